import { join } from 'node:path';
import ts from 'typescript';
import { only, PlaceNotFoundError, replaceOnly, type Mutation, type SourceTree } from './mutant.js';
import { REPOSITORY } from './repository.js';

interface SourceFile {
  readonly workspace: string;
  /** Path below the workspace, such as `src/outbox/relay.ts`. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** A function or method, and the source file that it is in. */
interface Place {
  readonly file: SourceFile;
  readonly node: ts.FunctionDeclaration | ts.MethodDeclaration;
}

/**
 * Wraps a function of a workspace, wherever in the workspace it is.
 * @param symbol an exported function, `planRounds`, or a method of an exported class, `JobDispatcher.dispatch`
 * @param wrapper source of a function that takes the original and the arguments: `(original, ...args) => …`
 */
export function wrapFunction(workspace: string, symbol: string, wrapper: string): Mutation {
  return async (tree) => {
    const places = (await sourceFiles(tree, workspace)).flatMap((file) => placesOf(file, symbol));
    const { file, node } = only(places, `the function ${symbol} of ${workspace}`);
    const [mutated, mutation] = ts.isMethodDeclaration(node)
      ? wrapMethod(file, node, wrapper)
      : wrapDeclaration(file, node, wrapper);
    await replace(tree, file, mutated, mutation);
  };
}

/**
 * Changes the text of a string or template literal of a workspace, such as an SQL statement.
 * @param literal matches the text of exactly one literal of the workspace
 * @param pattern matches once in that literal
 */
export function inLiteral(workspace: string, literal: RegExp, pattern: RegExp, replacement: string): Mutation {
  return async (tree) => {
    const found: Array<{ file: SourceFile; node: ts.Node }> = [];
    for (const file of await sourceFiles(tree, workspace)) {
      visit(file.tree, (node) => {
        const isLiteral =
          ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
        if (isLiteral && literal.test(node.getText(file.tree))) found.push({ file, node });
      });
    }
    const what = `the literal ${literal.source} of ${workspace}`;
    const { file, node } = only(found, what);
    const [start, end] = [node.getStart(file.tree), node.getEnd()];
    const mutated = replaceOnly(file.text.slice(start, end), pattern, replacement, what);
    await replace(tree, file, file.text.slice(0, start) + mutated + file.text.slice(end), what);
  };
}

type Wrapped = readonly [mutated: string, mutation: string];

/** The original loses its export and gets another name; a function of the old name calls the wrapper. */
function wrapDeclaration(file: SourceFile, node: ts.FunctionDeclaration, wrapper: string): Wrapped {
  const name = node.name!.text;
  const declaration = node.getText(file.tree);
  const modifiers = node.modifiers?.map((modifier) => modifier.getText(file.tree)).join(' ') ?? '';
  const renamed = declaration.slice(modifiers.length).replace(name, `${name}Original`);
  const asyncKeyword = modifiers.includes('async') ? 'async ' : '';
  const text = `${asyncKeyword}${renamed.trimStart()}
export function ${name}(...args: any[]): any {
  return ((${wrapper}) as any)(${name}Original, ...args);
}`;
  return [splice(file, node, text), `the wrapper of ${name}`];
}

/** The original gets another name; a method of the old name calls the wrapper. */
function wrapMethod(file: SourceFile, node: ts.MethodDeclaration, wrapper: string): Wrapped {
  const name = node.name.getText(file.tree);
  const [start, end] = [node.name.getStart(file.tree), node.name.getEnd()];
  const text = `${file.text.slice(node.getStart(file.tree), start)}${name}Original${file.text.slice(end, node.getEnd())}
  ${name}(...args: any[]): any {
    return ((${wrapper}) as any)((...args: any[]) => (this as any).${name}Original(...args), ...args);
  }`;
  return [splice(file, node, text), `the wrapper of ${name}`];
}

function splice({ text, tree }: SourceFile, node: ts.Node, replacement: string): string {
  return text.slice(0, node.getStart(tree)) + replacement + text.slice(node.getEnd());
}

function placesOf(file: SourceFile, symbol: string): Place[] {
  const [owner, method] = symbol.split('.');
  return file.tree.statements.flatMap((node): Place[] => {
    const isExported =
      ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (isExported !== true) return [];
    if (method === undefined)
      return ts.isFunctionDeclaration(node) && node.name?.text === owner ? [{ file, node }] : [];
    if (!ts.isClassDeclaration(node) || node.name?.text !== owner) return [];
    return node.members
      .filter((member) => ts.isMethodDeclaration(member))
      .filter((member) => member.body !== undefined && member.name.getText(file.tree) === method)
      .map((member) => ({ file, node: member }));
  });
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

/** The production code of a workspace. */
async function sourceFiles(tree: SourceTree, workspace: string): Promise<SourceFile[]> {
  const paths = (await tree.files(workspace, 'src')).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.includes('/testing/'),
  );
  return Promise.all(
    paths.map(async (path) => {
      const text = await tree.read(workspace, path);
      return { workspace, path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest) };
    }),
  );
}

/** Writes the source, which tests of the workspace import, and what it compiles to, which processes run. */
async function replace(tree: SourceTree, file: SourceFile, mutated: string, mutation: string): Promise<void> {
  const { workspace, path, text } = file;
  const options = compilerOptions(workspace);
  const compiled = transpile(mutated, path, options);
  if (compiled === transpile(text, path, options)) {
    throw new PlaceNotFoundError(`${mutation} in ${path} changes nothing`);
  }
  await tree.write(workspace, path, mutated);
  await tree.write(workspace, path.replace(/^src/, 'dist').replace(/\.ts$/, '.js'), compiled);
}

/** The options of the workspace that decide what its code compiles to, apart from the module format. */
function compilerOptions(workspace: string): ts.CompilerOptions {
  const directory = join(REPOSITORY, workspace);
  const { config } = ts.readConfigFile(join(directory, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, directory);
  const decisive = [
    'target',
    'verbatimModuleSyntax',
    'experimentalDecorators',
    'emitDecoratorMetadata',
    'useDefineForClassFields',
  ];
  const kept = Object.fromEntries(Object.entries(options).filter(([name]) => decisive.includes(name)));
  return { ...kept, module: ts.ModuleKind.ESNext };
}

/** @throws PlaceNotFoundError where the mutated source does not parse */
function transpile(source: string, path: string, options: ts.CompilerOptions): string {
  const { outputText, diagnostics } = ts.transpileModule(source, {
    compilerOptions: options,
    fileName: path,
    reportDiagnostics: true,
  });
  const [first] = diagnostics ?? [];
  if (first !== undefined) {
    throw new PlaceNotFoundError(
      `${path} does not compile: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`,
    );
  }
  return outputText;
}
