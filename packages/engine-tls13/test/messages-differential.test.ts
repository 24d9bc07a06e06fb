// Two readers of one ClientHello, core's and this one, must not disagree: core chooses the engine by what it reads.
import { type ClientHello, PeerMisbehavedError } from '@rxtls/core/engine';
import * as fc from 'fast-check';
import t from 'tap';
import { parseClientHello } from '../../core/src/engine/parse-client-hello.ts';
import { decodeAlpnClient, encodeAlpn } from '../src/handshake/extensions/alpn.ts';
import { extensionType as type } from '../src/handshake/extensions/extension-type.ts';
import { decodeServerName, encodeServerName } from '../src/handshake/extensions/server-name.ts';
import {
  decodeSignatureAlgorithms,
  encodeSignatureAlgorithms,
} from '../src/handshake/extensions/signature-algorithms.ts';
import { decodeSupportedGroups, encodeSupportedGroups } from '../src/handshake/extensions/supported-groups.ts';
import {
  decodeSupportedVersionsClient,
  encodeSupportedVersionsClient,
} from '../src/handshake/extensions/supported-versions.ts';
import { decodeClientHello, encodeClientHello } from '../src/handshake/messages/client-hello.ts';
import { bytes, distinct16, hostName, protocol, uint16 } from './messages-codecs.ts';

const maybe = (of: number, data: fc.Arbitrary<Uint8Array>): fc.Arbitrary<{ type: number; data: Uint8Array }[]> =>
  fc.option(data, { nil: undefined }).map((each) => (each === undefined ? [] : [{ type: of, data: each }]));

/** Hellos of several versions of TLS, with what both sides read and what neither does. */
const hellos = fc
  .record({
    legacyVersion: fc.constantFrom(0x0303, 0x0303, 0x0302, 0x0301),
    random: bytes(32, 32),
    sessionId: bytes(0, 32),
    cipherSuites: fc.array(uint16, { minLength: 1, maxLength: 20 }),
    compressionMethods: fc.constantFrom(Uint8Array.of(0), Uint8Array.of(0), Uint8Array.of(1, 0)),
    extensions: fc
      .tuple(
        maybe(type.server_name, hostName.map(encodeServerName)),
        maybe(
          type.application_layer_protocol_negotiation,
          fc.uniqueArray(protocol, { minLength: 1, maxLength: 4 }).map(encodeAlpn),
        ),
        maybe(type.supported_groups, distinct16.map(encodeSupportedGroups)),
        maybe(type.signature_algorithms, distinct16.map(encodeSignatureAlgorithms)),
        maybe(
          type.supported_versions,
          fc
            .uniqueArray(fc.constantFrom(0x0304, 0x0303, 0x0302, 0x7a7a), { minLength: 1 })
            .map(encodeSupportedVersionsClient),
        ),
        maybe(0x5a5a, bytes(0, 5)),
      )
      .chain((lists) => fc.shuffledSubarray(lists.flat(), { minLength: lists.flat().length })),
  })
  .map(encodeClientHello);

/** What is read, as core tells it; or the alert. */
function read<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof PeerMisbehavedError)) throw error;
    return `alert ${error.alert}`;
  }
}

const here = (message: Uint8Array): unknown => {
  const hello = decodeClientHello(message.subarray(4));
  const data = new Map(hello.extensions.map((each) => [each.type, each.data]));
  const of = <T>(which: number, decode: (data: Uint8Array) => T, otherwise: T): T => {
    const found = data.get(which);
    return found === undefined ? otherwise : decode(found);
  };
  const serverName = of(type.server_name, decodeServerName, undefined);
  return {
    legacyVersion: hello.legacyVersion,
    cipherSuites: hello.cipherSuites,
    extensions: Array.from(data.keys()),
    supportedVersions: of(type.supported_versions, decodeSupportedVersionsClient, [hello.legacyVersion]),
    alpnProtocols: of(type.application_layer_protocol_negotiation, decodeAlpnClient, []),
    supportedGroups: of(type.supported_groups, decodeSupportedGroups, []),
    signatureSchemes: of(type.signature_algorithms, decodeSignatureAlgorithms, []),
    ...(serverName !== undefined && { serverName }),
    message,
  };
};

/** What only this side refuses: rules of TLS 1.3, of which core's reader knows nothing. */
const stricterHere = /^alert (illegal_parameter|protocol_version|decode_error)$/;

t.test('differential: what core reads from a hello is what is read here', async (t) => {
  const seen = { same: 0, stricter: 0 };
  fc.assert(
    fc.property(hellos, (message) => {
      const mine = read(() => here(message));
      const cores = read(() => parseClientHello(message));
      if (typeof mine === 'string') {
        // A hello of TLS 1.3 with another legacy_version, or with compression.
        seen.stricter++;
        t.match(mine, /^alert (protocol_version|illegal_parameter)$/);
        t.match(cores, { legacyVersion: Number });
        t.ok((cores as ClientHello).supportedVersions.includes(0x0304));
        return;
      }
      seen.same++;
      t.same(mine, cores);
    }),
    { numRuns: 400, seed: 1 },
  );
  t.ok(seen.same > 100 && seen.stricter > 10, JSON.stringify(seen));
});

t.test('differential: what core refuses is refused here, and what both read is the same', async (t) => {
  const seen = { refused: 0, same: 0, stricter: 0 };
  const garbled = fc
    .tuple(hellos, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }))
    .map(([message, changes]) => {
      const copy = Uint8Array.from(message);
      for (const [at, byte] of changes) copy[4 + (at % (copy.length - 4))] = byte;
      return copy;
    });
  fc.assert(
    fc.property(garbled, (message) => {
      const mine = read(() => here(message));
      const cores = read(() => parseClientHello(message));
      if (typeof cores === 'string') {
        seen.refused++;
        if (typeof mine !== 'string') throw new Error(`core: ${cores}, here it is read`);
      } else if (typeof mine === 'string') {
        seen.stricter++;
        if (!stricterHere.test(mine)) throw new Error(mine);
      } else {
        seen.same++;
        t.same(mine, cores);
      }
    }),
    { numRuns: 2_000, seed: 2 },
  );
  t.ok(seen.refused > 300 && seen.same > 300, JSON.stringify(seen));
});
