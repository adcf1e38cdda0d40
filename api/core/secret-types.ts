import { type FieldError, fieldError } from '../field-errors.ts'

interface SecretLike {
  readonly type: string
  readonly data?: Readonly<Record<string, string>>
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
}

const accountAnnotation = 'kubernetes.io/service-account.name'

/** What a Secret of a known type must hold (pkg/apis/core/validation ValidateSecret). */
export function validateSecretType({ type, data = {}, metadata }: SecretLike): FieldError[] {
  const demand = (...keys: string[]) =>
    keys.filter(key => !Object.hasOwn(data, key)).map(key => fieldError.required(`data[${key}]`))
  switch (type) {
    case 'kubernetes.io/service-account-token': {
      const account = metadata.annotations?.[accountAnnotation]
      return account ? [] : [fieldError.required(`metadata.annotations[${accountAnnotation}]`)]
    }
    case 'kubernetes.io/dockercfg':
      return jsonIn(data, '.dockercfg')
    case 'kubernetes.io/dockerconfigjson':
      return jsonIn(data, '.dockerconfigjson')
    case 'kubernetes.io/basic-auth': {
      const isGiven = Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password')
      return isGiven ? [] : [fieldError.required('data[username]'), fieldError.required('data[password]')]
    }
    case 'kubernetes.io/ssh-auth':
      return demand('ssh-privatekey')
    case 'kubernetes.io/tls':
      return demand('tls.crt', 'tls.key')
    default:
      return []
  }
}

function jsonIn(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  const field = `data[${key}]`
  const encoded = data[key]
  if (encoded === undefined) return [fieldError.required(field)]
  try {
    JSON.parse(Buffer.from(encoded, 'base64').toString())
    return []
  } catch (error) {
    const why = error instanceof Error ? error.message : 'not JSON'
    return [fieldError.invalid(field, '<secret contents redacted>', why)]
  }
}
