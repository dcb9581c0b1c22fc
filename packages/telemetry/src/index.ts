export { createHealth, type Dependency, type Health, type Liveness, type Readiness } from './health.ts';
export { isLoopbackAddress, isLoopbackHost } from './loopback.ts';
export { type LabelsOf, metricPrefix, metricTable } from './metric-table.ts';
export { createMetrics, type Metrics, noMetrics } from './metrics.ts';
export { createProgressWatch, type ProgressWatch } from './progress-watch.ts';
export { noTelemetry, startTelemetry, type Telemetry } from './start-telemetry.ts';
export { noTracing, type Span, type Tracing } from './tracing.ts';
