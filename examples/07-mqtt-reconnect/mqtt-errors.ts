/** The broker said no. Trying again would not change its mind. */
export class MqttRefusedError extends Error {
  override readonly name = 'MqttRefusedError';
}

/** What came is no MQTT 3.1.1, or more of it than is taken. */
export class MqttProtocolError extends Error {
  override readonly name = 'MqttProtocolError';
}

/** The broker closed cleanly, or said nothing where an answer was owed. */
export class BrokerGoneError extends Error {
  override readonly name = 'BrokerGoneError';
  readonly retryable = true;
}
