/** The parts of FlowSchema and PriorityLevelConfiguration (flowcontrol.apiserver.k8s.io/v1) that are read here; the API's objects fit. */
export interface FlowSchemaLike {
  readonly metadata: { readonly name: string; readonly uid?: string | undefined }
  readonly spec: {
    readonly priorityLevelConfiguration: { readonly name: string }
    /** Lower ones are asked first; 1000 by default. */
    readonly matchingPrecedence?: number | undefined
    /** What tells the flows of this schema apart; absent: they are one. */
    readonly distinguisherMethod?: { readonly type: string } | undefined
    readonly rules?: readonly FlowRule[] | undefined
  }
}

/** Who asks, and for what: one of each must match. */
export interface FlowRule {
  readonly subjects: readonly FlowSubject[]
  readonly resourceRules?: readonly ResourceFlowRule[] | undefined
  readonly nonResourceRules?: readonly PathFlowRule[] | undefined
}

/** A user, a group or a service account. */
export interface FlowSubject {
  readonly kind: string
  readonly user?: { readonly name: string } | undefined
  readonly group?: { readonly name: string } | undefined
  readonly serviceAccount?: { readonly namespace: string; readonly name: string } | undefined
}

/** Requests for objects. */
export interface ResourceFlowRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly clusterScope?: boolean | undefined
  readonly namespaces?: readonly string[] | undefined
}

/** Requests for anything else. */
export interface PathFlowRule {
  readonly verbs: readonly string[]
  readonly nonResourceURLs: readonly string[]
}

/** As much of a PriorityLevelConfiguration as matters here. */
export interface PriorityLevelLike {
  readonly metadata: { readonly name: string; readonly uid?: string | undefined }
  readonly spec: {
    /** Exempt or Limited. */
    readonly type: string
    readonly limited?:
      | {
          readonly nominalConcurrencyShares?: number | undefined
          readonly lendablePercent?: number | undefined
          readonly borrowingLimitPercent?: number | undefined
          readonly limitResponse?:
            | {
                /** Queue or Reject. */
                readonly type: string
                readonly queuing?:
                  | {
                      readonly queues?: number | undefined
                      readonly handSize?: number | undefined
                      readonly queueLengthLimit?: number | undefined
                    }
                  | undefined
              }
            | undefined
        }
      | undefined
  }
}

/** Where the configuration comes from, without waiting: the server's own objects, or `builtIn`. */
export interface FlowControlSource {
  schemas(): readonly FlowSchemaLike[]
  levels(): readonly PriorityLevelLike[]
  /** Changes whenever one of the lists does. */
  version(): number
}

/** What a request is about. One that is about no resource has a path instead. */
export interface FlowAttributes {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly path?: string | undefined
}
