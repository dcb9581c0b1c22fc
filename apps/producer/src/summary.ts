/** The summary of one run: the last line of `sluice ingest --json`, and what `sluice runs show` prints. */
export interface IngestSummary {
  type: 'summary';
  run: string;
  line: string;
  documents: {
    read: number;
    unchanged: number;
    skipped: number;
    accepted: number;
    stored: number;
    superseded: number;
    partial: number;
    deleted: number;
    rejected: number;
  };
  chunks: { accepted: number; stored: number; reused: number; dead: number };
  tokens: { useful: number; padded: number };
  engineRequests: number;
  /** Items rejected, by code. */
  rejectedByCode: Record<string, number>;
  seconds: number;
  exitCode: number;
}

/** The counters of a run; `accepted` and those before it are the producer's, the others the ledger's. */
export interface RunCounters {
  documents: IngestSummary['documents'];
  chunks: IngestSummary['chunks'];
  /** `stored` is what progress goes by: the engine's answer alone keeps nothing. */
  tokens: IngestSummary['tokens'] & { accepted: number; stored: number };
  engineRequests: number;
}
