import type { TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import type { LimitWatch } from '@rxtls/core/engine-parts';
import type { CipherSuite } from '../crypto/cipher-suite.ts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { decodeKeyUpdate, encodeKeyUpdate } from '../handshake/messages/key-update.ts';
import { nextTrafficSecret } from '../key-schedule/traffic-keys.ts';
import { misbehaved } from '../presentation/misbehaved.ts';
import type { HandshakeDeframer, HandshakeMessage } from '../record/handshake-deframer.ts';
import { RecordProtection } from '../record/record-protection.ts';
import type { RecordReceiver } from '../record/record-receiver.ts';
import type { RecordSender } from '../record/record-sender.ts';
import { KeyUpdates } from './key-updates.ts';

/** Records under one key after which it is updated: well before AES-GCM's bound (RFC 8446 §5.5). */
const recordsBeforeKeyUpdate = 2 ** 23;

/** The traffic secret of one direction, from which the next one is made. */
interface Traffic {
  readonly suite: CipherSuite;
  readonly secret: Uint8Array;
  readonly epoch: number;
}

/** What the keys belong to. */
export interface KeyedConnection {
  readonly crypto: CryptoProvider;
  readonly host: TlsHost;
  readonly sender: RecordSender;
  readonly receiver: RecordReceiver;
  readonly messages: HandshakeDeframer;
  readonly watch: LimitWatch;
  readonly sink: Pick<TlsEngineSink, 'observed' | 'event'>;
}

/** The keys of both directions: put in place by the handshake, renewed by KeyUpdate (RFC 8446 §4.6.3), wiped at the end. */
export class ConnectionKeys {
  readonly #connection: KeyedConnection;
  readonly #updates: KeyUpdates;
  #sending: Traffic | undefined;
  #receiving: Traffic | undefined;
  /** The peer's epoch in which it was asked for a new key. */
  #askedIn: number | undefined;

  constructor(connection: KeyedConnection) {
    this.#connection = connection;
    this.#updates = new KeyUpdates(connection.host, connection.watch);
  }

  /** What is sent from now on. */
  protectSending(suite: CipherSuite, secret: Uint8Array, epoch: number): void {
    const { crypto, sender } = this.#connection;
    this.#sending = { suite, secret, epoch };
    sender.protect(new RecordProtection(crypto, suite, secret, epoch));
  }

  /** What is received from now on. @throws PeerMisbehavedError for handshake bytes left over from before */
  protectReceiving(suite: CipherSuite, secret: Uint8Array, epoch: number): void {
    const { crypto, receiver, messages } = this.#connection;
    // RFC 8446 §5.1: "Handshake messages MUST NOT span key changes": "unexpected_message".
    if (messages.pending > 0) throw misbehaved('unexpected_message', 'handshake bytes across a change of keys');
    this.#receiving = { suite, secret, epoch };
    receiver.protect(new RecordProtection(crypto, suite, secret, epoch));
  }

  /** RFC 8446 §4.6.3: "Both sender and receiver MUST encrypt their KeyUpdate messages with the old keys." */
  update(requestPeer: boolean): void {
    const { crypto, sender, sink } = this.#connection;
    const { suite, secret, epoch } = this.#sending!;
    sender.handshake(encodeKeyUpdate({ updateRequested: this.#updates.request(requestPeer) }));
    this.protectSending(suite, nextTrafficSecret(crypto, suite.hash, secret), epoch + 1);
    if (sink.observed) sink.event({ type: 'key-update', direction: 'sent' });
  }

  /** The peer's KeyUpdate. True when it is to be answered at once. @throws PeerMisbehavedError, LimitExceededError */
  receive(message: HandshakeMessage): boolean {
    const { crypto, sink } = this.#connection;
    const { updateRequested } = decodeKeyUpdate(message.bytes.subarray(4));
    const answer = this.#updates.received(updateRequested);
    const { suite, secret, epoch } = this.#receiving!;
    this.protectReceiving(suite, nextTrafficSecret(crypto, suite.hash, secret), epoch + 1);
    if (sink.observed) sink.event({ type: 'key-update', direction: 'received' });
    return answer;
  }

  /** Sends the KeyUpdate that is owed to the peer, or that our key needs (RFC 8446 §5.5), in front of application data. */
  beforeSending(plaintextBytes: number): void {
    const { sender, host } = this.#connection;
    const records = sender.protection!.records + Math.ceil(plaintextBytes / sender.contentBytes);
    const isUsedUp = records > Math.min(recordsBeforeKeyUpdate, host.limits.maxAesGcmRecords);
    if (this.#updates.beforeApplicationData() || isUsedUp) this.update(false);
  }

  /**
   * True once in an epoch, when the peer is to be asked for a new key: it has used its one long enough.
   * @throws LimitExceededError when it goes on with an AES-GCM key past the bound
   */
  isPeersKeyOld(): boolean {
    const { records } = this.#connection.receiver.protection!;
    const { suite, epoch } = this.#receiving!;
    const most = this.#connection.host.limits.maxAesGcmRecords;
    if (suite.isAesGcm) this.#connection.watch.hold('maxAesGcmRecords', records, most);
    // Half of it is left for what is on its way before the peer hears of it.
    if (this.#askedIn === epoch || records < Math.min(recordsBeforeKeyUpdate, most / 2)) return false;
    this.#askedIn = epoch;
    return true;
  }

  wipe(): void {
    this.#sending?.secret.fill(0);
    this.#receiving?.secret.fill(0);
  }
}
