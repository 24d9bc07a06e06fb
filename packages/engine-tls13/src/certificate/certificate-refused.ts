import { type AlertDescription, CertificateError, type CertificateFailureReason } from '@rxtls/core/engine';

/** @param alert another one than the reason stands for (RFC 8446 §6.2). */
export const certificateRefused = (
  reason: CertificateFailureReason,
  message: string,
  alert?: AlertDescription,
): CertificateError =>
  new CertificateError(reason, message, { phase: 'verification', ...(alert === undefined ? {} : { alert }) });
