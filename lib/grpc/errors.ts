/** What a gRPC call ends with (google/rpc/code.proto). */
export const grpcCodes = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const

export type GrpcCode = (typeof grpcCodes)[number]

/** A call that the other side refused, or that never got there. The message reads as Go programs print it. */
export class GrpcError extends Error {
  readonly code: GrpcCode
  readonly details: string
  constructor(code: GrpcCode, details: string) {
    super(`rpc error: code = ${code} desc = ${details}`)
    this.name = 'GrpcError'
    this.code = code
    this.details = details
  }
}

/** What the library reports, as a GrpcError. */
export function asGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error
  const { code, details, message } = error as { code?: number; details?: string; message?: string }
  return new GrpcError(grpcCodes[code ?? 2] ?? 'Unknown', details ?? message ?? String(error))
}
