import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, int64, named, requiredText, text, timestampText } from '../schema.ts'

/** The body of serviceaccounts/token: asks for a token. */
export const TokenRequest = defineKind({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'tokenrequests',
  namespaced: true,
  verbs: ['create'],
  description: 'Asks for a token of a service account.',
  fields: () => ({
    spec: named(
      'authentication/v1.TokenRequestSpec',
      'What the token is for.',
      () => ({
        audiences: atomicList(z.string()).default([]).describe('Who it is for; the API server by default.'),
        expirationSeconds: int64().default(3600).describe('How long it is good for.'),
        boundObjectRef: named(
          'authentication/v1.BoundObjectReference',
          'What the token lives and dies with.',
          () => ({
            kind: text('Pod, Secret or Node.'),
            apiVersion: text('v1.'),
            name: text('Name of the object.'),
            uid: text('UID of the object.'),
          }),
          { wire: 'kind apiVersion name uid' },
        )
          .optional()
          .describe('What it lives and dies with.'),
      }),
      { wire: 'audiences 3:boundObjectRef expirationSeconds' },
    )
      .prefault({})
      .describe('What the token is for.'),
    status: named(
      'authentication/v1.TokenRequestStatus',
      'The token.',
      () => ({
        token: requiredText('The token.'),
        expirationTimestamp: timestampText().optional().describe('Until when it is good.'),
      }),
      { wire: 'token expirationTimestamp' },
    )
      .prefault({})
      .describe('The token.'),
  }),
})
export type TokenRequest = ObjectOf<typeof TokenRequest>
