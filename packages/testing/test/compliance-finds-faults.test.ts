import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsRole } from '@rxtls/core/engine';
import { engineCompliance, placeboEngine, wholeFlights } from '@rxtls/testing';
import t from 'tap';

/** A fault: what it does to the sink that the engine sees, and to the engine that the caller sees. */
interface Fault {
  readonly sink?: (sink: TlsEngineSink) => Partial<TlsEngineSink>;
  readonly engine?: (engine: TlsEngine, sink: TlsEngineSink) => Partial<TlsEngine>;
}

function faulty<R extends TlsRole>(factory: TlsEngineFactory<R>, fault: Fault): TlsEngineFactory<R> {
  const make = (sink: TlsEngineSink, host: Parameters<TlsEngineFactory>[1]): TlsEngine => {
    const engine = factory({ ...sink, ...fault.sink?.(sink) }, host);
    return { ...engine, ...fault.engine?.(engine, sink) };
  };
  return Object.assign(make, { role: factory.role, capabilities: factory.capabilities });
}

/** The placebo is strict with callers that are late: that is not what is looked for here. */
const later = (run: () => void): void =>
  void setImmediate(() => {
    try {
      run();
    } catch {}
  });

const faults: Record<string, Fault> = {
  'consumes too little': { sink: (sink) => ({ consumed: (bytes) => sink.consumed(bytes - 1) }) },
  'consumes at once': {
    sink: () => ({ consumed: () => {} }),
    engine: (engine, sink) => ({
      receiveCiphertext: (bytes) => {
        sink.consumed(bytes.length);
        engine.receiveCiphertext(bytes);
      },
    }),
  },
  'seals before the ciphertext': {
    sink: () => ({ sealed: () => {} }),
    engine: (engine, sink) => ({
      sendPlaintext: (bytes) => {
        sink.sealed(bytes.length);
        engine.sendPlaintext(bytes);
      },
    }),
  },
  'seals less than was sent': { sink: (sink) => ({ sealed: (bytes, records) => sink.sealed(bytes >> 1, records) }) },
  'declares record numbers and has none': { sink: (sink) => ({ sealed: (bytes) => sink.sealed(bytes) }) },
  'negotiates twice': {
    sink: (sink) => ({
      negotiated: (parameters) => {
        sink.negotiated(parameters);
        sink.negotiated(parameters);
      },
    }),
  },
  'is ready too early': {
    sink: (sink) => ({ readiness: () => sink.readiness({ state: 'READY', maySend: true }) }),
  },
  'takes the end for a close': { engine: (_engine, sink) => ({ receiveEnd: () => sink.closeNotify() }) },
  'does not pause': { engine: () => ({ pause: () => {} }) },
  'pauses for ever': { engine: () => ({ resume: () => {} }) },
  'speaks after destroy': {
    engine: (engine, sink) => ({
      destroy: () => {
        engine.destroy();
        setImmediate(() => sink.consumed(0));
      },
    }),
  },
  'hides a failure': { sink: () => ({ failed: () => {} }) },
  'fails twice': {
    sink: (sink) => ({
      failed: (error) => {
        sink.failed(error);
        sink.failed(error);
      },
    }),
  },
  'reverses plaintext': { sink: (sink) => ({ plaintext: (bytes) => sink.plaintext(bytes.slice().fill(0)) }) },
  'throws at garbage': {
    engine: (engine) => ({
      receiveCiphertext: (bytes) => {
        if ((bytes[0] ?? 0) > 24) throw new Error('garbage');
        engine.receiveCiphertext(bytes);
      },
    }),
  },
  'forgets close_notify': { engine: () => ({ sendCloseNotify: () => {} }) },
  'ignores key updates': { engine: () => ({ updateKeys: () => {} }) },
  'answers later': {
    engine: (engine) => ({ receiveCiphertext: (bytes) => later(() => engine.receiveCiphertext(bytes)) }),
  },
  'keeps the array it was lent': {
    engine: (engine) => ({ sendPlaintext: (bytes) => later(() => engine.sendPlaintext(bytes)) }),
  },
  'exports something else': { engine: () => ({ exportKeyingMaterial: () => new Uint8Array(32) }) },
};

for (const [name, fault] of Object.entries(faults))
  t.test(`an engine that ${name} does not comply`, async (t) => {
    const suite = engineCompliance({
      client: placeboEngine.client(),
      server: faulty(placeboEngine.server(), fault),
      chunkings: [wholeFlights],
      integrity: false,
      patience: 100,
      maxBytes: 20_000,
    });
    const found: string[] = [];
    for (const { name: title, run } of suite)
      if (
        !(await run().then(
          () => true,
          () => false,
        ))
      )
        found.push(title);
    t.ok(found.length > 0, `${found.length} of ${suite.length} cases found it`);
  });
