import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { megabytes, progressLine, seconds, type Progress } from '../../progress.js';
import { runCommand, tryCommand } from '../../processes/run-command.js';

/** `amd64` on a Debian or one of its descendants; undefined elsewhere. */
export async function debianArchitecture(): Promise<string | undefined> {
  const [dpkg, apt] = await Promise.all([
    tryCommand('dpkg', ['--print-architecture']),
    tryCommand('apt-get', ['--version']),
  ]);
  return dpkg.ok && apt.ok ? dpkg.stdout.trim() : undefined;
}

/**
 * Downloads packages and those libraries they need that the system lacks, and unpacks them into `directory`. Nothing is
 * installed: apt works on package lists and a cache of its own there, so it needs no root, and no `apt-get update` before.
 */
export async function downloadDebianPackages(
  subject: string,
  packages: string[],
  directory: string,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const began = Date.now();
  const work = join(directory, '.apt');
  const archives = join(work, 'archives');
  await mkdir(join(work, 'lists', 'partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  const apt = (command: string, args: string[]): ReturnType<typeof tryCommand> =>
    tryCommand(command, [...privateSettings(work), ...args], {
      cwd: archives,
      signal,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs: 5 * 60_000,
    });

  onProgress(progressLine(subject, 'not installed: fetching the package lists of this system (about 10 MB) …'));
  // Its exit code says little: one unreachable third-party source fails it, and then the others may well suffice.
  const update = await apt('apt-get', ['update']);
  const wanted = await withMissingLibraries(packages, apt);
  const uris = await apt('apt-get', ['--print-uris', 'download', ...wanted]);
  const sizes = [...uris.stdout.matchAll(/^'\S+' \S+ (\d+)/gm)].map((match) => Number(match[1]));
  if (!uris.ok || sizes.length === 0) {
    throw new Error(`apt-get knows no package ${packages.join(', ')}: ${(update.stderr + uris.stderr).trim()}`);
  }
  const size = megabytes(sizes.reduce((sum, one) => sum + one, 0));
  onProgress(progressLine(subject, `downloading ${wanted.join(', ')}: ${size} in ${sizes.length} files …`));
  const download = await apt('apt-get', ['download', ...wanted]);
  if (!download.ok) throw new Error(`apt-get download failed (${download.outcome}): ${download.stderr.trim()}`);
  const files = (await readdir(archives)).filter((file) => file.endsWith('.deb'));
  for (const file of files) await runCommand('dpkg', ['-x', join(archives, file), directory]);
  await rm(work, { recursive: true, force: true });
  onProgress(progressLine(subject, `downloaded and unpacked (${seconds(Date.now() - began)})`));
}

/** The folders under `directory` that hold shared libraries, relative to it. */
export async function libraryFoldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true });
  const folders = entries
    .filter((entry) => /\.so(\.\d+)*$/.test(entry))
    .map((entry) => dirname(join(directory, entry)));
  return [...new Set(folders)].map((folder) => relative(directory, folder));
}

function privateSettings(work: string): string[] {
  const settings = {
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': work,
    'Dir::Cache::archives': join(work, 'archives'),
    // Without these two, as container images set it, each call of apt reads all lists anew (1 s).
    'Dir::Cache::pkgcache': join(work, 'pkgcache.bin'),
    'Dir::Cache::srcpkgcache': join(work, 'srcpkgcache.bin'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

type Apt = (command: string, args: string[]) => ReturnType<typeof tryCommand>;

/**
 * The packages with the libraries they need, followed from package to package. What the system has is left out, and so is
 * whatever is no library: it serves the installation, not the program.
 */
async function withMissingLibraries(packages: string[], apt: Apt): Promise<string[]> {
  const status = await tryCommand('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n']);
  const installed = new Set([...status.stdout.matchAll(/^installed (\S+)/gm)].map((match) => match[1]));
  const wanted: string[] = [];
  const queue = [...packages];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (wanted.includes(name)) continue;
    const { ok, stdout } = await apt('apt-cache', ['depends', '--important', name]);
    // Which packages a system splits the server into differs: redis-tools may be missing, redis-server may not.
    if (!ok) continue;
    wanted.push(name);
    for (const alternatives of dependencyGroups(stdout)) {
      const isLibrary = (candidate: string): boolean => /^(lib|lua|redis|valkey)/.test(candidate);
      const [first] = alternatives.filter(isLibrary);
      if (first !== undefined && !alternatives.some((one) => installed.has(one))) queue.push(first);
    }
  }
  return wanted;
}

/** Parses `apt-cache depends`: a line `|Depends: a` is an alternative to the line after it. */
export function dependencyGroups(output: string): string[][] {
  const groups: string[][] = [];
  let group: string[] = [];
  for (const match of output.matchAll(/^\s+(\|?)(?:Pre)?Depends: (\S+)/gm)) {
    group.push(match[2] ?? '');
    if (match[1] === '|') continue;
    groups.push(group);
    group = [];
  }
  return groups;
}
