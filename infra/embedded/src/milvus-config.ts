/**
 * The files that the standalone server reads: its own template filled in, etcd's, and glog's. Paths are YAML strings in
 * double quotes, which JSON strings are.
 */
import { join } from 'node:path';

/** Every port of the server (its index coordinator answers on dataCoord's). etcd's two listen on loopback; the others on all interfaces, which Milvus 2.3 cannot change. */
export const MILVUS_PORTS = [
  'proxy',
  'proxyInternal',
  'rootCoord',
  'queryCoord',
  'queryNode',
  'indexNode',
  'dataCoord',
  'dataNode',
  'metrics',
  'etcd',
  'etcdPeer',
] as const;
export type MilvusPort = (typeof MILVUS_PORTS)[number];
const ON_LOOPBACK: readonly MilvusPort[] = ['etcd', 'etcdPeer'];

export function openMilvusPorts(ports: Record<MilvusPort, number>): { name: string; port: number }[] {
  return MILVUS_PORTS.filter((name) => !ON_LOOPBACK.includes(name)).map((name) => ({
    name: `milvus ${name}`,
    port: ports[name],
  }));
}

/**
 * Fills the wheel's template: `{{ name(type): default }}`. Log files rotate at 50 MB, three of them, where the template
 * would let 6 GB gather, and the copy of the log on standard output is switched off.
 */
export function milvusYaml(
  template: string,
  { data, logs, ports }: { data: string; logs: string; ports: Record<MilvusPort, number> },
): string {
  const values: Record<string, string> = {
    etcd_port: String(ports.etcd),
    etcd_log_path: JSON.stringify(join(logs, 'etcd.log')),
    etcd_log_level: 'warn',
    etcd_data_dir: JSON.stringify(join(data, 'etcd.data')),
    local_storage_dir: JSON.stringify(data),
    rocksmq_data_dir: JSON.stringify(join(data, 'rocksmq')),
    system_log_path: JSON.stringify(logs),
    root_coord_port: String(ports.rootCoord),
    proxy_port: String(ports.proxy),
    proxy_internal_port: String(ports.proxyInternal),
    query_coord_port: String(ports.queryCoord),
    query_node_port: String(ports.queryNode),
    index_coord_port: String(ports.dataCoord),
    index_node_port: String(ports.indexNode),
    data_coord_port: String(ports.dataCoord),
    data_node_port: String(ports.dataNode),
    authorization_enabled: 'true',
  };
  return template
    .replaceAll(/\{\{\s*(\w+)(?:\(\w+\))?\s*(?::\s*(.*?))?\s*\}\}/g, (_all, name: string, fallback?: string) => {
      const value = values[name] ?? fallback;
      if (value === undefined) throw new Error(`the template of milvus.yaml asks for ${name}, which has no value`);
      return value;
    })
    .replace(/^( {4}maxSize:) 300\b/m, '$1 50')
    .replace(/^( {4}maxBackups:) 20\b/m, '$1 2')
    .replaceAll(/^( {2}ip:)(?= #|$)/gm, '$1 127.0.0.1')
    .replace(/^( {2}stdout:) true\b/m, '$1 false')
    .replace(/^(log:\n {2}level:) info\b/m, '$1 warn');
}

/** One member has nobody to elect against, so a short election only makes it start a second earlier. */
export function etcdYaml({ data, ports }: { data: string; ports: Record<MilvusPort, number> }): string {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return `name: default
data-dir: ${JSON.stringify(join(data, 'etcd.data'))}
listen-client-urls: ${client}
advertise-client-urls: ${client}
listen-peer-urls: ${peer}
initial-advertise-peer-urls: ${peer}
initial-cluster: default=${peer}
quota-backend-bytes: 1073741824
auto-compaction-mode: revision
auto-compaction-retention: '1000'
heartbeat-interval: 40
election-timeout: 400
log-level: warn
log-outputs: [stderr]
`;
}

export function glogConfig(logs: string): string {
  return `--logtostderr=false
--minloglevel=1
--log_dir=${logs}/
--max_log_size=50
--stop_logging_if_full_disk=true
`;
}
