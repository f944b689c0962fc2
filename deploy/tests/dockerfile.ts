import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { ROOT } from './env-example.js';

/** What a stage leaves behind: its root folder, and how its container runs. */
export interface Stage {
  readonly root: string;
  readonly env: Record<string, string>;
  workdir: string;
  user: string | undefined;
  command: string[];
}

/**
 * Carries out the instructions of a Dockerfile without an engine: every stage is a folder under `scratch`, in which RUN
 * runs with this machine's Node. Knows what ours uses, and refuses anything else. An install of everything takes the packages
 * of this checkout, which `npm ci` has put there from the same lock; what production installs is installed anew.
 */
export function buildStages(dockerfile: string, context: string, scratch: string): Map<string, Stage> {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const [keyword, text] of instructions(dockerfile)) {
    if (keyword === 'ARG') continue;
    if (keyword === 'FROM') {
      const [, from, name] = /^(\S+) AS (\S+)$/.exec(text)!;
      stage = startStage(join(scratch, name!), stages.get(from!));
      stages.set(name!, stage);
    } else {
      carryOut(keyword, text, stage!, stages, context);
    }
  }
  return stages;
}

/** Where a stage's absolute path lies on this machine. */
export function inStage({ root }: Stage, path: string): string {
  return join(root, path);
}

function* instructions(dockerfile: string): Generator<[keyword: string, text: string]> {
  const lines = dockerfile.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '');
  for (const line of lines.split('\n')) {
    const match = /^([A-Z]+) (.*)$/.exec(line);
    if (match !== null) yield [match[1]!, match[2]!.trim()];
  }
}

function startStage(root: string, base: Stage | undefined): Stage {
  mkdirSync(root, { recursive: true });
  if (base === undefined) return { root, env: {}, workdir: '/', user: undefined, command: [] };
  cpSync(base.root, root, { recursive: true, verbatimSymlinks: true });
  return { ...base, root, env: { ...base.env } };
}

function carryOut(keyword: string, text: string, stage: Stage, stages: Map<string, Stage>, context: string): void {
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = text;
      mkdirSync(inStage(stage, text), { recursive: true });
      return;
    case 'ENV':
      for (const pair of text.split(' ')) stage.env[pair.split('=')[0]!] = pair.slice(pair.indexOf('=') + 1);
      return;
    case 'USER':
      stage.user = text;
      return;
    case 'CMD':
      stage.command = JSON.parse(text) as string[];
      return;
    case 'HEALTHCHECK':
      return;
    case 'COPY':
      return copy(text, stage, stages, context);
    case 'RUN':
      // Removes parts of the base image, which is no part of this.
      if (text.startsWith('rm -rf /usr/local/')) return;
      if (text === 'npm ci --ignore-scripts') return linkPackages(inStage(stage, stage.workdir));
      execFileSync('/bin/sh', ['-c', text], {
        cwd: inStage(stage, stage.workdir),
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], npm_config_prefer_offline: 'true', ...stage.env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      return;
    default:
      throw new Error(`deploy/tests/dockerfile.ts does not know ${keyword} yet`);
  }
}

/** The packages of this checkout as hard links where the file systems allow it: they are only read. */
function linkPackages(target: string): void {
  const folders = ['.', ...readdirSync(target)].filter((folder) => existsSync(join(ROOT, folder, 'node_modules')));
  for (const folder of folders) {
    const [from, to] = [join(ROOT, folder, 'node_modules'), join(target, folder, 'node_modules')];
    try {
      execFileSync('cp', ['-al', from, to], { stdio: 'ignore' });
    } catch {
      cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    }
  }
}

function copy(text: string, stage: Stage, stages: Map<string, Stage>, context: string): void {
  const words = text.split(' ');
  const from = /^--from=(.*)$/.exec(words[0]!)?.[1];
  const sources = words.slice(from === undefined ? 0 : 1, -1);
  const last = words.at(-1)!;
  const target = inStage(stage, last.startsWith('/') ? last : join(stage.workdir, last));
  for (const source of sources) {
    const path = join(from === undefined ? context : stages.get(from)!.root, source);
    const isFolder = statSync(path).isDirectory();
    const destination = !isFolder && (last.endsWith('/') || last === '.') ? join(target, basename(source)) : target;
    cpSync(path, destination, { recursive: true, verbatimSymlinks: true });
  }
}

/** Copies what an engine would be sent: the folder without what `.dockerignore` names. */
export function copyContext(root: string, files: readonly string[], target: string): void {
  const rules = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ ignores: !line.startsWith('!'), matches: patternOf(line.replace(/^!/, '')) }));
  for (const file of files) {
    const rule = rules.findLast(({ matches }) => matches.test(file));
    if (rule?.ignores !== true && existsSync(join(root, file))) cpSync(join(root, file), join(target, file));
  }
}

/** A pattern of `.dockerignore` with `*` and `**`; it also matches what is in a folder that it names. */
function patternOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${source}(?:/|$)`);
}

/** Every file under a folder, as paths relative to it. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
