import { type Packet, parser } from 'mqtt-packet';
import { concatMap, defer, type OperatorFunction } from 'rxjs';
import { MqttProtocolError } from './mqtt-errors.ts';

/** A packet may claim 256 MiB; one that is not whole is held only up to this. */
const mostBytes = 65_536;

/** Bytes in any chunks become packets of MQTT 3.1.1. */
export function mqttPackets(): OperatorFunction<Uint8Array, Packet> {
  return (bytes) =>
    defer(() => {
      let whole: Packet[] = [];
      let failure: Error | undefined;
      const parse = parser({ protocolVersion: 4 });
      parse.on('packet', (packet) => void whole.push(packet));
      parse.on('error', (cause: Error) => (failure = new MqttProtocolError('what came is no MQTT', { cause })));
      return bytes.pipe(
        concatMap((chunk) => {
          whole = [];
          const held = parse.parse(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
          if (failure !== undefined) throw failure;
          if (held > mostBytes) throw new MqttProtocolError(`a packet is longer than ${mostBytes} bytes`);
          return whole;
        }),
      );
    });
}
