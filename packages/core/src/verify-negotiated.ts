import {
  CertificateError,
  type ClientHello,
  EngineFailureError,
  type NegotiatedParameters,
  type TlsError,
} from './engine/index.ts';

/**
 * Whether core believes what an engine says it negotiated: the peer's proof, and that server name and application protocol
 * are those of the ClientHello that was read before the engine was chosen. Answers with why not.
 */
export function refusedParameters(
  parameters: NegotiatedParameters,
  hello: ClientHello | undefined,
): TlsError | undefined {
  const { verification } = parameters.peer;
  if (verification !== 'passed' && verification !== 'not-requested')
    return new CertificateError(verification, `the peer's certificate was refused: ${verification}`, {
      phase: 'verification',
    });
  if (hello === undefined) return undefined;
  if (parameters.serverName?.toLowerCase() !== hello.serverName)
    return new EngineFailureError('the engine negotiated another server name than the ClientHello has');
  const { alpnProtocol } = parameters;
  if (alpnProtocol !== undefined && !hello.alpnProtocols.includes(alpnProtocol))
    return new EngineFailureError('the engine negotiated an application protocol that the ClientHello does not offer');
  return undefined;
}
