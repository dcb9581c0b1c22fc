import { expect, test } from 'vitest';
import { etcdYaml, MILVUS_PORTS, type MilvusPort, milvusYaml, openMilvusPorts } from './milvus-config.ts';

const ports = Object.fromEntries(MILVUS_PORTS.map((name, index) => [name, 21_000 + index])) as Record<
  MilvusPort,
  number
>;
const places = { data: '/a "b"/data', logs: '/a "b"/logs', ports };

test('the template is filled: ours, its own defaults, paths as YAML strings', () => {
  const yaml = milvusYaml(
    'port: {{ proxy_port(int): 19530 }}\npath: {{ local_storage_dir }}\ntls: {{ tls_mode(int): 0 }}\n',
    places,
  );
  expect(yaml).toBe('port: 21000\npath: "/a \\"b\\"/data"\ntls: 0\n');
});

test('a template that asks for something unknown is refused instead of written half filled', () => {
  expect(() => milvusYaml('x: {{ brand_new }}', places)).toThrow('brand_new');
});

test('components advertise loopback, and logs are bounded', () => {
  const yaml = milvusYaml(
    'proxy:\n  # ip: 127.0.0.1\n  ip: # if not specified\nlog:\n  level: info # x\n  file:\n    maxSize: 300 # MB\n    maxBackups: 20\n  stdout: true # y\n',
    places,
  );
  expect(yaml).toBe(
    'proxy:\n  # ip: 127.0.0.1\n  ip: 127.0.0.1 # if not specified\nlog:\n  level: warn # x\n  file:\n    maxSize: 50 # MB\n    maxBackups: 2\n  stdout: false # y\n',
  );
});

test('etcd listens on loopback alone, and is not among the open ports', () => {
  const yaml = etcdYaml(places);
  expect(yaml.match(/http:\/\/[^:\s]+/g)!.every((url) => url === 'http://127.0.0.1')).toBe(true);
  expect(openMilvusPorts(ports).map(({ name }) => name)).not.toContain('milvus etcd');
  expect(openMilvusPorts(ports)).toHaveLength(MILVUS_PORTS.length - 2);
});
