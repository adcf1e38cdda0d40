import type { Draft } from '../../api/kind.ts'
import { Ingress } from '../../api/networking/ingress.ts'
import { IngressClass } from '../../api/networking/ingress-class.ts'
import type { AdmissionStep } from '../admission.ts'

const marker = 'ingressclass.kubernetes.io/is-default-class'
const oldAnnotation = 'kubernetes.io/ingress.class'

/** Ingresses that name no class get the default: the newest that is marked so (plugin/pkg/admission/network/defaultingressclass). */
export const defaultIngressClass: AdmissionStep = {
  name: 'DefaultIngressClass',
  kinds: [Ingress],
  operations: ['CREATE'],
  async admit({ object }, { access }) {
    const { spec, metadata } = object as unknown as Draft<Ingress>
    if (spec.ingressClassName !== undefined || metadata.annotations?.[oldAnnotation] !== undefined) return
    const classes = (await access.all(IngressClass)) as readonly IngressClass[]
    const [newest] = classes
      .filter(each => each.metadata.annotations?.[marker] === 'true')
      .sort(
        (a, b) =>
          b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) ||
          (a.metadata.name < b.metadata.name ? -1 : 1),
      )
    if (newest) spec.ingressClassName = newest.metadata.name
  },
}
