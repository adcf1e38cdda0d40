import { defineKind, type ObjectOf } from '../kind.ts'
import { flag, named, text, texts } from '../schema.ts'
import { UserInfoFields } from './user-info.ts'

/** Asks whose token this is. Never stored. */
export const TokenReview = defineKind({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  verbs: ['create'],
  description: 'Asks whose token this is.',
  fields: () => ({
    spec: named(
      'authentication/v1.TokenReviewSpec',
      'The token in question.',
      () => ({
        token: text('The token.'),
        audiences: texts('Whom it should be meant for, one of them at least; the API server by default.'),
      }),
      { wire: 'token audiences' },
    )
      .prefault({})
      .describe('The token in question.'),
    status: named(
      'authentication/v1.TokenReviewStatus',
      'What was found out about it.',
      () => ({
        authenticated: flag('Whether the token is good.'),
        user: UserInfoFields.optional().describe('Whose it is.'),
        audiences: texts('Those asked for that it is meant for.'),
        error: text('Why it could not be checked, or what is wrong with it.'),
      }),
      { wire: 'authenticated user error audiences' },
    )
      .prefault({})
      .describe('What was found out about it.'),
  }),
})
export type TokenReview = ObjectOf<typeof TokenReview>
