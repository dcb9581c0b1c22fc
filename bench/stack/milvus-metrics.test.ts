import { expect, test } from 'vitest';
import { readCalls } from './milvus-metrics.ts';

test('counts calls once, and those about rows apart', () => {
  const metrics = [
    'milvus_proxy_req_count{function_name="Upsert",node_id="1",status="success"} 48',
    'milvus_proxy_req_count{function_name="Upsert",node_id="1",status="total"} 48',
    'milvus_proxy_req_count{function_name="Query",node_id="1",status="total"} 2',
    'milvus_proxy_req_count{function_name="DescribeCollection",node_id="1",status="total"} 5',
    'milvus_proxy_receive_bytes_count{collection_name="a",msg_type="query",node_id="1"} 64',
    'milvus_proxy_receive_bytes_count{collection_name="a",msg_type="upsert",node_id="1"} 2.5e+06',
    'milvus_proxy_receive_bytes_count{collection_name="b",msg_type="upsert",node_id="1"} 500',
    'milvus_proxy_upsert_vectors_count{node_id="1"} 254',
  ].join('\n');
  expect(readCalls(metrics)).toEqual({
    aboutRows: 50,
    all: 55,
    upserts: { requests: 48, rows: 254, bytes: 2_500_500 },
  });
});
