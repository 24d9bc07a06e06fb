// What engines, transports and upgrades share; for their authors; no application needs it. Nothing here imports anything but the engine contract.
export { alpnList } from './alpn-list.ts';
export { extensionValue, subjectPublicKeyInfo } from './certificate-der.ts';
export { checkOptions } from './check-options.ts';
export { type ClientAuth, clientAuthOption } from './client-auth.ts';
export { type DerElement, derElements, equalBytes, onlyElement } from './der.ts';
export { ipv4Bytes, ipv6Bytes } from './ip-address.ts';
export { LimitWatch } from './limit-watch.ts';
export { LiveSink } from './live-sink.ts';
export { MemorySessions, type SessionEnvelope, type SessionStore } from './memory-sessions.ts';
export { type OptionRule, type OptionRules, optionRules, wholeNumber } from './option-rules.ts';
export { flag, type OwnOptions, ownOptions, portOption, verifyOption } from './own-options.ts';
export type { Authenticated, PeerToVerify, VerifyPeer } from './peer-verification.ts';
export { type RecordBound, RecordReader, type WireRecord } from './record-reader.ts';
export { matchesIdentity, type ReferenceIdentity, referenceIdentity } from './reference-identity.ts';
export { sessionLimit, sessionStoreOption } from './session-options.ts';
export { type SubjectAlternativeNames, subjectAlternativeNames } from './subject-alternative-names.ts';
export { isRepeated, ticketKeyProblem, ticketKeysOption } from './ticket-keys-option.ts';
export { verifyTask } from './verify-task.ts';
