import type { NegotiatedParameters, TlsConnection } from '@rxtls/core';
import { generate, type IPublishPacket, type ISubackPacket, type Packet } from 'mqtt-packet';
import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  first,
  ignoreElements,
  interval,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  type OperatorFunction,
  share,
  switchMap,
  take,
  throwError,
  timeout,
} from 'rxjs';
import { BrokerGoneError, MqttProtocolError, MqttRefusedError } from './mqtt-errors.ts';
import { mqttPackets } from './mqtt-packets.ts';

export interface MqttOptions {
  /** By this name the broker knows the session again, and what was not acknowledged in it. */
  readonly clientId: string;
  readonly login?: { readonly username: string; readonly password: string } | undefined;
  /** Seconds without a word from this side, at most; after half as long again without one from the broker it is taken for dead. */
  readonly keepalive: number;
}

/** A connection whose CONNECT the broker has accepted. When it is lost, what it gave falls silent: the loss is told by what emitted it. */
export interface MqttSession {
  readonly negotiated: NegotiatedParameters;
  /** The broker knows this session from an earlier connection. */
  readonly isKnown: boolean;
  /** Subscribes with QoS 1, and says when that is granted. A message is acknowledged when whoever is given it has returned. */
  subscribe(topic: string, granted: () => void): Observable<IPublishPacket>;
  /** Publishes with QoS 1; emits when the broker has taken it. `isAgain`: it may have done so before. */
  publish(message: { topic: string; payload: string; messageId: number; isAgain: boolean }): Observable<Packet>;
}

/** SUBSCRIBE's identifier; those of messages are smaller. */
const subscribing = 65_535;

/** MQTT 3.1.1 over each connection, with a session that outlives it. Errors when the broker refuses, falls silent or leaves, also in good order. */
export function mqttSession({ clientId, login, keepalive }: MqttOptions): OperatorFunction<TlsConnection, MqttSession> {
  return switchMap((connection) => {
    const gone = (why: string) => throwError(() => new BrokerGoneError(`the broker ${why}`));
    const silence = keepalive * 1_500;
    const packets = concat(connection.plaintext.pipe(mqttPackets()), gone('closed the connection')).pipe(
      timeout({ each: silence, with: () => gone(`was silent for ${silence} ms`) }),
      share(),
    );
    const sent = (packet: Packet): Observable<never> =>
      defer(() => {
        connection.write(generate(packet));
        return EMPTY;
      });
    const heard = packets.pipe(catchError(() => NEVER)); // the loss is told below, once
    const asked = (packet: Packet, answer: Packet['cmd']): Observable<Packet> =>
      merge(heard.pipe(first(({ cmd, messageId }) => cmd === answer && messageId === packet.messageId)), sent(packet));

    const session = (isKnown: boolean): MqttSession => ({
      negotiated: connection.negotiated,
      isKnown,
      subscribe: (topic, granted) => {
        const messages = heard.pipe(
          filter((packet) => packet.cmd === 'publish'),
          concatMap((message) => {
            const { messageId } = message;
            return concat(of(message), messageId === undefined ? EMPTY : sent({ cmd: 'puback', messageId }));
          }),
        );
        const subscriptions = [{ topic, qos: 1 as const }];
        const subscribed = asked({ cmd: 'subscribe', messageId: subscribing, subscriptions }, 'suback').pipe(
          map((answer) => {
            if ((answer as ISubackPacket).granted[0] !== 1) throw new MqttRefusedError(`no subscription to ${topic}`);
            granted();
          }),
          ignoreElements(),
        );
        return merge(messages, subscribed);
      },
      publish: ({ topic, payload, messageId, isAgain: dup }) =>
        asked({ cmd: 'publish', topic, payload, messageId, qos: 1, dup, retain: false }, 'puback'),
    });

    const accepted = packets.pipe(
      take(1),
      map((packet) => {
        if (packet.cmd !== 'connack') throw new MqttProtocolError(`the broker begins with ${packet.cmd}`);
        if (packet.returnCode !== 0) throw new MqttRefusedError(`the broker refused CONNECT (${packet.returnCode})`);
        return session(packet.sessionPresent);
      }),
    );
    const credentials = login && { username: login.username, password: Buffer.from(login.password) };
    const hello = sent({ cmd: 'connect', clientId, clean: false, keepalive, ...credentials });
    const pings = interval(keepalive * 1_000).pipe(concatMap(() => sent({ cmd: 'pingreq' })));
    return merge(accepted, packets.pipe(ignoreElements()), hello, pings);
  });
}
