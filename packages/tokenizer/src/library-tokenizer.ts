import { SluiceError } from '@sluice/core';
import type { LibraryModel } from './model.ts';
import type { Tokenizer } from './tokenizer.ts';
export class LibraryTokenizer implements Tokenizer {
  readonly name: string;
  readonly specialTokens = 0;
  constructor(model: LibraryModel) {
    this.name = model.name;
    throw new SluiceError('bad_tokenizer', {
      message: `Sluice cannot count with this tokenizer: ${model.reason}`,
      where: model.path,
    });
  }
  count(): number {
    return 0;
  }
  encode(): number[] {
    return [];
  }
  encodeWithSpecials(): number[] {
    return [];
  }
}
