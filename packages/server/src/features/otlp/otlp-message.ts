/**
 * An OTLP/HTTP metrics request as data, from protobuf or JSON.
 *
 * The schema is the part of the public OpenTelemetry protocol (opentelemetry-proto, metrics v1) that carries numbers;
 * field numbers are those of the protocol, everything else is skipped by the decoder. Both encodings give the shape of
 * the protocol's JSON: camelCase, 64-bit integers as text, enums as numbers.
 */
import protobuf from 'protobufjs'
import { type Fields, isFields } from '../../http/fields.ts'
import { parseJson, textOf } from '../../http/json-body.ts'

const schema = `
syntax = "proto3";
package otlp;
message ExportMetricsServiceRequest { repeated ResourceMetrics resource_metrics = 1; }
message ExportMetricsServiceResponse { ExportMetricsPartialSuccess partial_success = 1; }
message ExportMetricsPartialSuccess { int64 rejected_data_points = 1; string error_message = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeMetrics { InstrumentationScope scope = 1; repeated Metric metrics = 2; }
message InstrumentationScope { string name = 1; string version = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
}
message Metric {
  string name = 1;
  string unit = 3;
  oneof data { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; ExponentialHistogram exponential_histogram = 10; Summary summary = 11; }
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message ExponentialHistogram { repeated ExponentialHistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message Summary { repeated SummaryDataPoint data_points = 1; }
message SummaryDataPoint { fixed64 time_unix_nano = 3; }
message NumberDataPoint {
  repeated KeyValue attributes = 7;
  fixed64 start_time_unix_nano = 2;
  fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
  uint32 flags = 8;
}
message HistogramDataPoint {
  repeated KeyValue attributes = 9;
  fixed64 start_time_unix_nano = 2;
  fixed64 time_unix_nano = 3;
  fixed64 count = 4;
  optional double sum = 5;
  repeated fixed64 bucket_counts = 6;
  repeated double explicit_bounds = 7;
  uint32 flags = 10;
  optional double min = 11;
  optional double max = 12;
}
message ExponentialHistogramDataPoint {
  message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
  repeated KeyValue attributes = 1;
  fixed64 start_time_unix_nano = 2;
  fixed64 time_unix_nano = 3;
  fixed64 count = 4;
  optional double sum = 5;
  sint32 scale = 6;
  fixed64 zero_count = 7;
  Buckets positive = 8;
  Buckets negative = 9;
  uint32 flags = 10;
  optional double min = 12;
  optional double max = 13;
}
`

const root = protobuf.parse(schema, { keepCase: false }).root
const requestType = root.lookupType('otlp.ExportMetricsServiceRequest')
const responseType = root.lookupType('otlp.ExportMetricsServiceResponse')

/** null when the bytes are not such a message. */
export function decodeProtobufRequest(body: Uint8Array): Fields | null {
  try {
    return requestType.toObject(requestType.decode(body), { longs: String, enums: Number, defaults: false })
  } catch {
    return null
  }
}

export function decodeJsonRequest(body: Uint8Array): Fields | null {
  const value = parseJson(textOf(body))
  return isFields(value) ? value : null
}

export interface PartialSuccess {
  readonly rejectedDataPoints: number
  readonly errorMessage: string
}

export function encodeProtobufResponse(partial: PartialSuccess | null): Buffer {
  const message = responseType.fromObject(partial === null ? {} : { partialSuccess: partial })
  return Buffer.from(responseType.encode(message).finish())
}

/** 64-bit integers arrive as text, doubles as numbers; NaN stands for "not a number". */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? Number(value) : Number.NaN
}
