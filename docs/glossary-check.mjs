/**
 * Holds the repository to docs/glossary.md: fails where a word stands that the glossary replaces by another. Identifiers
 * are read as words (`leaveItBehind` is "leave It Behind"), and line breaks as blanks.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GLOSSARY = 'docs/glossary.md';

/** Written by people: prose, code with its comments and strings, tests. */
const CHECKED = /\.(md|ts|mjs|cjs|lua|sql|sh|yml|css)$/;

/** The pages that quote what they forbid, what is generated, and the changes of the past. */
const NOT_CHECKED = [
  GLOSSARY,
  'CONTRIBUTING.md',
  'docs/reports/',
  'docs/configuration.md',
  'CHANGELOG.md',
  'client/src/generated/',
];

/** The rows of the glossary's tables: the term, and the words that it replaces. */
function replacedWords() {
  const rows = readFileSync(`${ROOT}${GLOSSARY}`, 'utf8').matchAll(/^\| \*\*(.+?)\*\* +\| .* \|(.*)\|$/gm);
  return [...rows].flatMap(([, term, words]) =>
    [...words.matchAll(/`([^`]+)`/g)].map(([, word]) => ({ term, word, pattern: wholeWords(word) })),
  );
}

/** Matches the words wherever they begin and end at no letter, whatever blanks are between them. */
function wholeWords(text) {
  const words = text.split(/[ _]/).map((word) => word.replace(/[^\w"' ]/g, '\\$&'));
  return new RegExp(`(?<![A-Za-z])${words.join('[\\s*/#_-]+')}(?![A-Za-z])`, 'gi');
}

/** The text with camelCase taken apart by a character that keeps every position. */
function problemsIn(path, replaced) {
  const text = readFileSync(`${ROOT}${path}`, 'utf8');
  const positions = [];
  let spread = '';
  for (let i = 0; i < text.length; i += 1) {
    if (/[A-Z]/.test(text[i]) && /[a-z]/.test(text[i - 1] ?? '') && !text.startsWith('SQL', i)) {
      spread += ' ';
      positions.push(i);
    }
    spread += text[i];
    positions.push(i);
  }
  return replaced.flatMap(({ term, word, pattern }) =>
    [...spread.matchAll(pattern)].map(({ index }) => {
      const line = text.slice(0, positions[index]).split('\n').length;
      return `${path}:${line}: "${word}": the glossary's word is "${term}"`;
    }),
  );
}

const replaced = replacedWords();
if (replaced.length === 0) throw new Error(`${GLOSSARY}: no table with replaced words was found`);
const files = execFileSync('git', ['ls-files', ...process.argv.slice(2)], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((path) => CHECKED.test(path) && !NOT_CHECKED.some((excluded) => path.startsWith(excluded)));
const problems = files.flatMap((path) => problemsIn(path, replaced));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
