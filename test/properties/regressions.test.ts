// Scripts that once went wrong, by what they showed. A new one is what a failed search prints.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { nodeGround } from './node-ground.ts';
import { placeboGround } from './placebo-ground.ts';
import { type Ground, runScript } from './run-script.ts';
import type { EndSetup, Script } from './script.ts';
import { tls13Ground } from './tls13-ground.ts';

const end: EndSetup = {
  halfOpen: false,
  writes: 'none',
  read: 'nobody',
  observeEvents: false,
  limits: 'default',
  renegotiations: 0,
  verify: 'none',
};
const plain: Script = {
  asynchronous: false,
  version: 'TLSv1.3',
  roundTrips: 1,
  tickets: 0,
  maxRecordBytes: 1,
  lazyKeyUpdates: false,
  link: { capacity: 1, fragment: 1 },
  client: end,
  server: end,
  steps: [],
  triggers: [],
};

const over = (ground: Ground, name: string, titles: Record<string, Partial<Script>>): void => {
  for (const [title, script] of Object.entries(titles)) {
    t.test(title.replace(':', ` (${name}):`), async (t) => {
      t.same(await runScript({ ...plain, ...script }, ground), []);
    });
  }
};

over(placeboGround, 'placebo', {
  'C4: an asynchronous engine is not ended before its close_notify is out': {
    asynchronous: 'microtask',
    server: { ...end, writes: { list: [0] } },
  },
  'C1: what a paused engine holds is heard before the end of the transport is judged': {
    client: { ...end, writes: { list: [0] }, limits: 'tiny' },
    server: { ...end, writes: { list: [12, 39] } },
    steps: [
      { do: 'closeWrite', end: 'client' },
      { do: 'updateKeys', end: 'client' },
      { do: 'advance', ms: 0 },
    ],
  },
  'C5: nothing is sealed while the close_notify that a resumed engine gave is unheard': {
    version: 'TLSv1.2',
    client: { ...end, limits: 'tiny' },
    server: { ...end, writes: { list: [14, 37] } },
    steps: [
      { do: 'advance', ms: 0 },
      { do: 'write', end: 'client', sizes: [2] },
      { do: 'read', end: 'client', as: 'credit' },
      { do: 'grant', end: 'client', bytes: 20_000 },
      { do: 'write', end: 'client', sizes: [0, 1, 1] },
      { do: 'advance', ms: 0 },
    ],
  },
  'C5: nothing is sealed by a write while a close_notify is unheard': {
    version: 'TLSv1.2',
    client: { ...end, limits: 'tiny' },
    server: { ...end, writes: 'subject' },
    steps: [
      { do: 'advance', ms: 0 },
      { do: 'writeFrom', end: 'client', sizes: [0, 1], slow: true },
      { do: 'advance', ms: 0 },
      { do: 'pull', end: 'client' },
      { do: 'advance', ms: 0 },
      { do: 'closeWrite', end: 'server' },
    ],
  },
  'W3: a reader that comes after close() gets no stream with a gap': {
    server: { ...end, writes: 'subject', limits: 'tiny' },
    steps: [
      { do: 'advance', ms: 0 },
      { do: 'close', end: 'client' },
      { do: 'advance', ms: 0 },
      { do: 'write', end: 'server', sizes: [2] },
    ],
  },
  'C8: a transport that is cut before it begins is told to the observers before the owner': {
    asynchronous: 'microtask',
    triggers: [{ on: 'readiness', end: 'server', nth: 1, action: { do: 'cut', end: 'client', as: 'end' } }],
  },
  'C8: unsubscribing from inside an observer that is just being subscribed': {
    client: { ...end, writes: { list: [0] } },
    triggers: [{ on: 'ledger', end: 'client', nth: 1, action: { do: 'unsubscribe', end: 'client' } }],
  },
  'W7: a key update that was queued is not refused afterwards': {
    version: 'TLSv1.2',
    link: { capacity: 1, fragment: 1, coalesce: 0 },
    client: { ...end, renegotiations: 1 },
    steps: [
      { do: 'advance', ms: 0 },
      { do: 'write', end: 'client', sizes: [1, 1] },
      { do: 'updateKeys', end: 'client' },
      { do: 'stall', end: 'client' },
      { do: 'updateKeys', end: 'client' },
      { do: 'updateKeys', end: 'client' },
    ],
  },
  'W1: while the peer is being verified, no more is taken than the window has room for': {
    maxRecordBytes: 16_384,
    link: { capacity: 1, fragment: 1, coalesce: 0 },
    client: { ...end, writes: { list: [32_768, 0] } },
    server: { ...end, limits: 'small', verify: 'promise' },
    steps: [{ do: 'advance', ms: 1_000 }],
  },
});

const pki = await testPki();
const leaf = await pki.leaf('ecdsa');
over(nodeGround(pki.authorityPem, leaf), 'node', {
  'C3: a close_notify that comes while the peer is being verified is no close during the handshake': {
    asynchronous: 'timer',
    version: 'TLSv1.2',
    link: { capacity: 1, fragment: 1, coalesce: 0 },
    client: { ...end, writes: { list: [0] }, verify: 'sync' },
    server: { ...end, writes: 'subject' },
    steps: [{ do: 'close', end: 'server' }],
  },
});
over(tls13Ground(pki.authorityPem, leaf, ['client']), 'tls13 to openssl', {
  'C8: whoever lets go while it hears of the last alert finds the transport gone': {
    asynchronous: 'timer',
    link: { capacity: 1, fragment: 1, cut: { end: 'client', bytes: 0, as: 'end' } },
    client: { ...end, observeEvents: true },
    triggers: [{ on: 'event', end: 'client', nth: 2, action: { do: 'unsubscribe', end: 'client' } }],
  },
  'C4: asked for new keys after its close_notify, the server goes on receiving': {
    asynchronous: 'timer',
    server: { ...end, writes: { list: [1] } },
    steps: [
      { do: 'advance', ms: 0 },
      { do: 'updateKeys', end: 'client' },
      { do: 'updateKeys', end: 'client' },
    ],
  },
});
