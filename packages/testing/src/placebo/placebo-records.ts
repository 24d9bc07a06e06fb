import { type AlertDescription, alertNumber, type ContentTypeName, contentType } from '@rxtls/core/engine';
import { encodePlaceboHello, type PlaceboHello } from './placebo-client-hello.ts';

/** Handshake types the placebo uses, by their RFC numbers (RFC 8446 §4, RFC 5246 §7.4); their bodies are made up. */
export const placeboMessage = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  newSessionTicket: 4,
  clientKeyExchange: 16,
  finished: 20,
  keyUpdate: 24,
} as const;
/** A handshake message the placebo knows. */
export type PlaceboMessageName = keyof typeof placeboMessage;

const record = (type: ContentTypeName, body: Uint8Array | readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(5 + body.length);
  bytes.set([contentType[type], 3, 3, body.length >> 8, body.length & 0xff]);
  bytes.set(body, 5);
  return bytes;
};

const handshake = (type: PlaceboMessageName, body: Uint8Array | readonly number[]): Uint8Array =>
  record('handshake', [placeboMessage[type], 0, body.length >> 8, body.length & 0xff, ...body]);

/** Every record a placebo engine sends, for tests that speak for the other side or compare bytes. */
export const placeboRecords: {
  /** Any record: header and body. */
  record(type: ContentTypeName, body: Uint8Array | readonly number[]): Uint8Array;
  /** A record with one handshake message. */
  handshake(type: PlaceboMessageName, body: Uint8Array | readonly number[]): Uint8Array;
  clientHello(hello: PlaceboHello): Uint8Array;
  /** The server's flight of this round; the client answers the last one with `finished`, the others with `clientRound`. */
  serverFlight(round: number, last: boolean, alpnProtocol?: string): Uint8Array;
  /** The client's flight that opens round 2 and later. */
  clientRound(round: number): Uint8Array;
  finished(): Uint8Array;
  ticket(): Uint8Array;
  keyUpdate(requestPeer: boolean): Uint8Array;
  helloRequest(): Uint8Array;
  alert(level: 'warning' | 'fatal', description: AlertDescription): Uint8Array;
  closeNotify(): Uint8Array;
  applicationData(plaintext: Uint8Array): Uint8Array;
} = {
  record,
  handshake,
  clientHello: (hello) => handshake('clientHello', encodePlaceboHello(hello)),
  serverFlight: (round, last, alpnProtocol = '') =>
    handshake('serverHello', [round, last ? 1 : 0, ...Array.from(alpnProtocol, (letter) => letter.charCodeAt(0))]),
  clientRound: (round) => handshake('clientKeyExchange', [round]),
  finished: () => handshake('finished', [0]),
  ticket: () => handshake('newSessionTicket', [0]),
  keyUpdate: (requestPeer) => handshake('keyUpdate', [requestPeer ? 1 : 0]),
  helloRequest: () => handshake('helloRequest', []),
  alert: (level, description) => record('alert', [level === 'warning' ? 1 : 2, alertNumber[description]]),
  closeNotify: () => record('alert', [1, 0]),
  applicationData: (plaintext) => record('applicationData', plaintext),
};
