/** Programs are parted where a reader would part them, and nothing written in one can hold the chunker up. */
import type { CodeLanguage } from '@sluice/core';
import { describe, expect, it } from 'vitest';
import { syntaxTree } from './code-grammar.ts';
import { codeOutline } from './code-outline.ts';
import { strength } from './outline.ts';

/** Each block's first line with the strength before it and its path. */
function outlineOf(source: string, language: CodeLanguage): [string, number, string][] {
  return codeOutline(source, language).blocks.map(({ start, before, path }) => [
    source.slice(start).split('\n')[0]!.trim(),
    before,
    path.join(' › '),
  ]);
}

const { declaration, member, glue, paragraph, block } = strength;

describe('the strongest boundaries', () => {
  it('are declarations with the comments above them, then members, then blank lines', () => {
    const source = `/** What the file is. */
import { a } from 'a';
import { b } from 'b';

/** Turns. */
// Twice.
export class Wheel extends Part {
  speed = 1;

  /** Faster. */
  turn(): void {
    this.speed++;

    this.speed++;
  }
  stop() {}
}
function mill() {
  return a;
}
`;
    expect(outlineOf(source, 'typescript')).toEqual([
      ['/** What the file is. */', declaration, ''],
      ["import { b } from 'b';", declaration, ''],
      ['/** Turns. */', declaration, ''],
      ['speed = 1;', glue, 'export class Wheel extends Part'],
      ['/** Faster. */', member, 'export class Wheel extends Part'],
      ['this.speed++;', paragraph - 2, 'export class Wheel extends Part › turn(): void'],
      ['stop() {}', member, 'export class Wheel extends Part'],
      ['function mill() {', declaration, ''],
    ]);
  });

  it.each<[CodeLanguage, string, string[]]>([
    [
      'python',
      'import a\n\n@dec\nclass A(B):\n    x = 1\n\n    def f(self):\n        pass\n\ndef g():\n    pass\n',
      ['class A(B)'],
    ],
    ['java', 'package a;\n\n@X\npublic class A {\n  int x;\n\n  void f() {\n  }\n}\n', ['public class A']],
    [
      'cpp',
      'namespace n {\nclass A\n{\n  int x;\n\n  int f()\n  {\n  }\n};\n}\n',
      ['namespace n', 'namespace n › class A'],
    ],
    ['rust', '#[derive(Debug)]\npub struct A;\n\nimpl A {\n  fn f(&self) {\n  }\n\n  fn g() {\n  }\n}\n', ['impl A']],
    ['php', '<?php\nclass A\n{\n  public $x;\n\n  function f() {\n  }\n}\n', ['class A']],
    ['go', 'package a\n\n// F does.\nfunc F() {\n\tx()\n\n\ty()\n}\n', ['func F()']],
    ['tsx', 'export function App() {\n  const x = 1;\n\n  return <p>{x}</p>;\n}\n', ['export function App()']],
  ])('know %s', (language, source, paths) => {
    const found = outlineOf(source, language);
    expect(new Set(found.map(([, , path]) => path))).toEqual(new Set(['', ...paths]));
    expect(found[0]![1]).toBe(declaration);
  });

  it('without a grammar are lines without indentation behind blank ones', () => {
    const source =
      'module Mill\n\nclass Wheel\n  def turn\n    go\n\n    on\n  end\n\n  def stop\n  end\nend\n\ndef x\nend\n';
    expect(outlineOf(source, 'code')).toEqual([
      ['module Mill', block, ''],
      ['class Wheel', block, ''],
      ['on', paragraph - 2, ''],
      ['def stop', paragraph - 1, ''],
      ['def x', block, ''],
    ]);
  });
});

describe('a program made to hurt', () => {
  it.each<[string, CodeLanguage, string]>([
    ['brackets that never close', 'typescript', '({'.repeat(100_000)],
    ['templates that never close', 'cpp', 'a<b<'.repeat(10_000)],
    ['generics that never close', 'rust', 'a::<b<'.repeat(50_000)],
    ['comments that never close', 'javascript', '/*'.repeat(100_000)],
    ['stars', 'go', '*'.repeat(200_000)],
    ['more than a person reads', 'python', 'x = 1\n'.repeat(100_000)],
  ])('has no tree: %s', (_name, language, source) => {
    expect(syntaxTree(source, language)).toBeUndefined();
    expect(codeOutline(source, language).blocks[0]!.start).toBe(0);
  });

  it.each<[string, CodeLanguage, string]>([
    ['one line', 'javascript', 'a=b+c;'.repeat(60_000)],
    ['classes on one line each', 'typescript', 'class A { f() {} }\n'.repeat(5_000)],
    ['prose', 'java', 'The gate feeds the wheel. It\'s "old".\n'.repeat(2_000)],
  ])('is outlined all the same: %s', (_name, language, source) => {
    const { blocks } = codeOutline(source, language);
    expect(blocks[0]!.start).toBe(0);
    expect(blocks.every(({ start }, at) => at === 0 || start > blocks[at - 1]!.start)).toBe(true);
  });
});
