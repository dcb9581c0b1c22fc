/** Colour where the terminal has it: `styleText` of Node honours NO_COLOR, FORCE_COLOR and the stream's own ability. */
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

const paint = (format: Format) => (text: string) => styleText(format, text, { stream: process.stderr });

export const bold = paint('bold');
export const dim = paint('dim');
export const green = paint('green');
export const yellow = paint('yellow');
export const red = paint('red');
export const cyan = paint('cyan');
