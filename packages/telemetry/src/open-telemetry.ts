/** Tracing by OpenTelemetry over OTLP/HTTP. Loaded only when a collector is configured: its packages are optional. */
import { type Link, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { isSluiceError } from '@sluice/core';
import { MAX_LINKS, type Tracing } from './tracing.ts';

const kinds = { producer: SpanKind.PRODUCER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };

export function startOpenTelemetry({
  url,
  ratio,
  service,
}: {
  /** Of the collector, without the path of the protocol. */
  url: string;
  /** Share of traces that are kept, 0 to 1. */
  ratio: number;
  service: string;
}): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${url.replace(/\/+$/, '')}/v1/traces` });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `sluice-${service}`, 'service.namespace': 'sluice' }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('sluice');

  return {
    async span(name, { kind, attributes = {}, links = [] }, work) {
      const linked = [...new Set(links)].slice(0, MAX_LINKS).flatMap(toLink);
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes, links: linked }, ROOT_CONTEXT);
      const { traceId, spanId, traceFlags } = span.spanContext();
      const flags = (traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01';
      try {
        return await work({
          set: (more) => void span.setAttributes(more),
          traceparent: `00-${traceId}-${spanId}-${flags}`,
        });
      } catch (error) {
        // The code, never the text: a foreign error may quote a request.
        span.setAttribute('error.type', isSluiceError(error) ? error.code : 'foreign');
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
    async close() {
      // A collector that is away must not keep a process from ending.
      await provider.shutdown().catch(() => undefined);
    },
  };
}

function toLink(traceparent: string): Link[] {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return trace.isSpanContextValid(context) ? [{ context }] : [];
}
