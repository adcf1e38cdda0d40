import { describe, expect, test } from 'vitest'
import { negotiate } from './negotiation.ts'
import { isPretty } from './reply.ts'

const inGroup = 'g=meta.k8s.io'
const kubectl = `application/json;as=Table;v=v1;${inGroup},application/json;as=Table;v=v1beta1;${inGroup},application/json`
const metadataClient = `application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;${inGroup};v=v1,application/json;as=PartialObjectMetadataList;${inGroup};v=v1,application/json`
const json = { type: 'json' }

describe('what answers an Accept header', () => {
  test.each([
    [undefined, json],
    ['', json],
    ['application/vnd.kubernetes.protobuf, */*', json],
    ['application/yaml', { type: 'yaml' }],
    ['application/json;q=0.1, application/yaml', { type: 'yaml' }],
    ['application/json;q=0, application/*', json],
    [kubectl, { type: 'json', as: 'Table', version: 'v1' }],
    [`application/json;as=Table;v=v1beta1;${inGroup}`, { type: 'json', as: 'Table', version: 'v1beta1' }],
    [`*/*;as=Table;v=v1;${inGroup}`, { type: 'json', as: 'Table', version: 'v1' }],
    [`application/yaml;as=Table;v=v1;${inGroup}`, { type: 'yaml', as: 'Table', version: 'v1' }],
    [metadataClient, { type: 'json', as: 'PartialObjectMetadataList', version: 'v1' }],
    [`application/json;as=Table;v=v2;${inGroup},application/json`, json],
    ['application/json;as=Table;v=v1;g=other,application/json', json],
    [`application/json;as=Other;v=v1;${inGroup},application/json;pretty=1`, json],
    [`application/json;${inGroup},application/yaml`, { type: 'yaml' }],
  ])('%s', (accept, format) => expect(negotiate(accept, ['Table', 'PartialObjectMetadataList'])).toEqual(format))

  test('what is no table falls to the next clause, if there is one', () => {
    expect(negotiate(kubectl, ['PartialObjectMetadata'])).toEqual(json)
    const message = 'only the following media types are accepted: application/json, application/yaml'
    const refused = expect.objectContaining({ status: expect.objectContaining({ code: 406, reason: 'NotAcceptable', message }) })
    expect(() => negotiate(`application/json;as=Table;v=v1;${inGroup}`, [])).toThrow(refused)
    expect(() => negotiate('text/plain', [])).toThrow(refused)
    expect(() => negotiate('application/json;stream=watch', [])).toThrow(refused)
  })

  test('events are JSON alone', () => {
    expect(negotiate('application/yaml, application/json;stream=watch', [], true)).toEqual(json)
    const message = 'only the following media types are accepted: application/json;stream=watch'
    expect(() => negotiate('application/yaml', [], true)).toThrow(message)
  })
})

describe('who gets indented answers', () => {
  test.each([
    ['/x', 'kubectl/v1.33.1', false],
    ['/x', 'curl/8.5.0', true],
    ['/x', 'Mozilla/5.0 (X11)', true],
    ['/x?pretty=true', undefined, true],
    ['/x?limit=1&pretty=1', undefined, true],
    ['/x?pretty=false', 'curl/8.5.0', false],
    ['/x?pretty=maybe', 'curl/8.5.0', false],
    ['/x?pretty=', 'curl/8.5.0', true],
    ['/x?pretty=', undefined, false],
  ])('%s by %s: %s', (url, agent, isIndented) => {
    const headers = agent === undefined ? {} : { 'user-agent': agent }
    expect(isPretty({ request: { url, headers } as never })).toBe(isIndented)
  })
})
