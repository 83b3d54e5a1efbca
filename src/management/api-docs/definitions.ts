/** What the bodies of the REST API look like. Required is what every answer has; clients' test suites check for it. */

import type { Schema } from './source.ts'
import { anything, flag, list, object, ref, text, whole } from './source.ts'

const namespace = text('Namespace of the entity; with the package where it lies in one: NS/PKG')
const name = text()
const version = text('Semantic version; the last part grows with each change')
const publish = flag('Of packages: everybody may read it and call what is in it. Without effect elsewhere')
const updated = whole('Time of the last change, milliseconds since the epoch')
const annotations = list(ref('KeyValue'))
const parameters = list(ref('Parameter'))
const milliseconds = whole('Milliseconds since the epoch')

const entity = { namespace, name, version, publish, annotations, updated }
const REQUIRED = ['namespace', 'name', 'version', 'publish']
const put = {
  namespace: text('Ignored: the path counts'),
  name: text('Ignored: the path counts'),
  version,
  publish,
  annotations,
}
const counted = (collection: string): Schema => object({ [collection]: whole() }, [collection], { closed: true })

const limits = object({
  timeout: whole('Milliseconds that a run may take'),
  memory: whole('MB of a container'),
  logs: whole('MB of logs of an activation'),
  concurrency: whole('Runs at once in one container'),
  instances: whole('Containers at once'),
})

const exec = object(
  {
    kind: text('Runtime and version, `sequence`, or `blackbox`'),
    code: text('Source, or the base64 of an archive'),
    image: text('Of a blackbox: its image'),
    main: text('Function that is called'),
    binary: flag('The code is the base64 of an archive; found out by the server'),
    components: list(text(), 'Of a sequence: full names of its actions'),
  },
  ['kind'],
)

const fullName = object({ path: text('NS or NS/PKG'), name }, ['path', 'name'])
const response = object(
  {
    status: {
      type: 'string',
      enum: ['success', 'application error', 'action developer error', 'whisk internal error'],
    },
    success: flag(),
    result: anything('What the action returned'),
    size: whole('Characters of the answer of the action'),
  },
  ['status', 'success'],
)

const summary = {
  namespace: text('Namespace that it was invoked in'),
  name: text('Name of the action, trigger or rule, without package'),
  version,
  publish,
  annotations,
  activationId: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  start: milliseconds,
  end: { ...milliseconds, description: 'Absent for fires of triggers' },
  duration: whole('Milliseconds; absent for fires of triggers'),
  cause: text('Id of the sequence or composition that it was a part of'),
} satisfies Record<string, Schema>

const perNamespace = {
  invocationsPerMinute: whole(),
  concurrentInvocations: whole(),
  firesPerMinute: whole(),
  minActionMemory: whole('MB'),
  maxActionMemory: whole('MB'),
  minActionLogs: whole('MB'),
  maxActionLogs: whole('MB'),
  minActionTimeout: whole('ms'),
  maxActionTimeout: whole('ms'),
  minActionConcurrency: whole(),
  maxActionConcurrency: whole(),
  maxParameterSize: text('Size with unit: `1048576 B`'),
  maxActionInstances: whole(),
}

export const DEFINITIONS: Readonly<Record<string, Schema>> = {
  ErrorMessage: object(
    { error: text('What is wrong, for people'), code: text('Transaction id of the request: that of X-Request-ID') },
    ['error', 'code'],
    { closed: true },
  ),
  KeyValue: object({ key: text(), value: anything('Any JSON') }, ['key', 'value']),
  Parameter: object(
    {
      key: text(),
      value: anything('Any JSON; where `encryption` is there, base64 of the encrypted value'),
      init: flag('Given as environment when the container is initialised'),
      encryption: text('How the value is encrypted: `aes-256` or `aes-128`'),
    },
    ['key', 'value'],
  ),
  ActionLimits: limits,
  ActionExec: exec,
  Action: object(
    {
      ...entity,
      exec: ref('ActionExec'),
      limits: ref('ActionLimits'),
      parameters,
      binding: text('Binding that it was read through'),
    },
    [...REQUIRED, 'exec', 'limits', 'parameters', 'annotations', 'updated'],
  ),
  ActionSummary: object({ ...entity, exec: object({ binary: flag() }, ['binary']), limits: ref('ActionLimits') }, [
    ...REQUIRED,
    'exec',
    'limits',
    'annotations',
    'updated',
  ]),
  ActionPut: object({
    ...put,
    exec: ref('ActionExec'),
    limits: ref('ActionLimits'),
    parameters,
    delAnnotations: list(text(), 'Annotations to remove'),
  }),
  Binding: object({ namespace: text(), name }, ['namespace', 'name']),
  Package: object(
    {
      ...entity,
      parameters,
      binding: { description: 'What a binding refers to; `{}` for a package proper', type: 'object' },
    },
    [...REQUIRED, 'parameters', 'binding', 'annotations', 'updated'],
  ),
  PackageWithActions: object(
    {
      ...entity,
      parameters,
      binding: { description: 'What a binding refers to; `{}` for a package proper', type: 'object' },
      actions: list(ref('PackageAction'), 'Without feeds'),
      feeds: list(ref('PackageAction'), 'Actions with the annotation `feed`'),
    },
    [...REQUIRED, 'parameters', 'binding', 'actions', 'feeds', 'annotations', 'updated'],
  ),
  PackageAction: object({ name, version, annotations }, ['name', 'version', 'annotations']),
  PackageSummary: object(
    {
      ...entity,
      binding: {
        description: 'What a binding refers to; false for a package proper',
        oneOf: [{ enum: [false], type: 'boolean' }, ref('Binding')],
      },
    },
    [...REQUIRED, 'binding', 'annotations', 'updated'],
  ),
  PackagePut: object({ ...put, parameters, binding: { ...ref('Binding') } }),
  RuleStatus: { type: 'string', enum: ['active', 'inactive'] },
  RuleLink: object({ action: ref('FullName'), status: ref('RuleStatus') }, ['action', 'status']),
  FullName: fullName,
  Trigger: object(
    {
      ...entity,
      parameters,
      rules: { type: 'object', description: 'Rules of the trigger, by NS/RULE', additionalProperties: ref('RuleLink') },
    },
    [...REQUIRED, 'parameters', 'annotations', 'updated'],
  ),
  TriggerSummary: object(entity, [...REQUIRED, 'annotations', 'updated']),
  TriggerPut: object({ ...put, parameters }),
  Rule: object({ ...entity, trigger: ref('FullName'), action: ref('FullName'), status: ref('RuleStatus') }, [
    ...REQUIRED,
    'trigger',
    'action',
    'status',
    'annotations',
    'updated',
  ]),
  RuleSummary: object({ ...entity, trigger: ref('FullName'), action: ref('FullName') }, [
    ...REQUIRED,
    'trigger',
    'action',
    'annotations',
    'updated',
  ]),
  RulePut: object({
    ...put,
    trigger: anything('Full name, as text (`/NS/TRIGGER`) or as a FullName'),
    action: anything('Full name, as text (`/NS/ACTION`) or as a FullName'),
    status: text('Ignored'),
  }),
  RuleStatusPut: object({ status: ref('RuleStatus') }, ['status']),
  ActivationResponse: response,
  Activation: object(
    {
      ...summary,
      subject: text('Subject that invoked it'),
      response: ref('ActivationResponse'),
      logs: list(
        text(),
        'Lines `TIME stdout|stderr: MESSAGE`; of sequences ids of the components, of triggers JSON a rule',
      ),
    },
    [...REQUIRED, 'subject', 'activationId', 'start', 'response', 'logs', 'annotations'],
  ),
  ActivationSummary: object({ ...summary, statusCode: { type: 'integer', minimum: 0, maximum: 3 } }, [
    ...REQUIRED,
    'activationId',
    'start',
    'annotations',
  ]),
  ActivationId: object({ activationId: summary.activationId }, ['activationId']),
  ActivationLogs: object({ logs: list(text()) }, ['logs'], { closed: true }),
  ActionCount: counted('actions'),
  PackageCount: counted('packages'),
  TriggerCount: counted('triggers'),
  RuleCount: counted('rules'),
  ActivationCount: counted('activations'),
  Limits: object(
    {
      ...perNamespace,
      allowedKinds: list(text()),
      storeActivations: flag(),
      maxPayloadSize: text('Size with unit'),
      truncationSize: text('Size with unit'),
      warmedContainerKeepingCount: whole(),
      warmedContainerKeepingTimeout: text('Duration: `24 hours`'),
    },
    Object.keys(perNamespace),
  ),
}
