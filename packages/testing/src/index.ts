// Test kit of rxtls, in reading order. Nothing here belongs into a program that is not a test.
export type { PlaceboHello } from './placebo/placebo-client-hello.ts';
export { placeboEngine } from './placebo/placebo-engine.ts';
export type {
  PlaceboClientOptions,
  PlaceboFailurePoint,
  PlaceboOptions,
  PlaceboServerOptions,
} from './placebo/placebo-options.ts';
export { type PlaceboMessageName, placeboMessage, placeboRecords } from './placebo/placebo-records.ts';
export { strictCaller } from './placebo/strict-caller.ts';
export type { IssueOptions, TestCredentials, TestKey } from './pki/certificate-maker.ts';
export { type TestLeafName, type TestPki, type TestPkiOptions, testPki } from './pki/test-pki.ts';
export {
  type TransportCase,
  type TransportComplianceOptions,
  type TransportPair,
  transportCompliance,
} from './transport-compliance.ts';
export {
  allChunkings,
  type Chunking,
  headerSplits,
  primeSizes,
  randomSizes,
  singleBytes,
  wholeFlights,
} from './compliance/chunking.ts';
export type { ComplianceCase } from './compliance/compliance-case.ts';
export { type EngineComplianceOptions, engineCompliance } from './compliance/engine-compliance.ts';
export { type ByteMarbles, byteMarbles } from './marbles/byte-marbles.ts';
export { type LiveTimeline, liveTimeline } from './marbles/live-timeline.ts';
export { type DuplexScript, type ScriptedDuplex, scriptedDuplex } from './marbles/scripted-duplex.ts';
export { renderTimeline, type TimelineEvent, type TimelineOptions, type TimelineRow } from './marbles/timeline.ts';
export { label, type TimelineRecorder, timelineRecorder } from './marbles/timeline-recorder.ts';
