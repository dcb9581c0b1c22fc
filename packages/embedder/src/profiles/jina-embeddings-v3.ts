/** What every way of serving jina-embeddings-v3 has in common: the space, and what makes a vector right. */

export const jinaEmbeddingsV3 = {
  model: 'jinaai/jina-embeddings-v3',
  // Neither the hosted API nor jina-on-prem names a revision; SLUICE_MODEL_REVISION pins the hub's commit.
  modelRevision: 'unpinned',
  spaceTask: 'retrieval.passage',
  fullDimension: 1024,
  // −0.1 nDCG against 1,024 at half the bytes would be 512; 1,024 keeps every later cut possible without embedding again.
  recommendedDimension: 1024,
  trainedDimensions: [32, 64, 128, 256, 512, 768, 1024],
  // config_sentence_transformers.json of the model, trailing spaces included.
  passageInstruction: 'Represent the document for retrieval: ',
  queryInstruction: 'Represent the query for retrieving evidence documents: ',
} as const;
