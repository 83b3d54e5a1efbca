/** The commands of `stave` in the order of its help. A group's file is loaded when it is called, so that a light command does not pay for heavy ones. */

import type { CommandGroup } from './cli.ts'

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    name: 'standalone',
    summary: 'run the whole platform in one process',
    load: async (cli) => (await import('./commands/standalone.ts')).standaloneCommand(cli),
  },
  {
    name: 'invoker',
    summary: 'run the containers of this node for a control plane elsewhere',
    load: async (cli) => (await import('./commands/invoker.ts')).invokerCommand(cli),
  },
  {
    name: 'run',
    summary: 'run one action file without a server',
    load: async (cli) => (await import('./commands/run.ts')).runCommand(cli),
  },
  {
    name: 'action',
    summary: 'work with actions',
    load: async (cli) => (await import('./commands/action.ts')).actionCommand(cli),
  },
  {
    name: 'activation',
    summary: 'work with activations',
    load: async (cli) => (await import('./commands/activation.ts')).activationCommand(cli),
  },
  {
    name: 'package',
    summary: 'work with packages and bindings',
    load: async (cli) => (await import('./commands/package.ts')).packageCommand(cli),
  },
  {
    name: 'trigger',
    summary: 'work with triggers',
    load: async (cli) => (await import('./commands/trigger.ts')).triggerCommand(cli),
  },
  {
    name: 'rule',
    summary: 'work with rules',
    load: async (cli) => (await import('./commands/rule.ts')).ruleCommand(cli),
  },
  {
    name: 'namespace',
    summary: 'work with namespaces, and administer them',
    load: async (cli) => (await import('./commands/namespace.ts')).namespaceCommand(cli),
  },
  {
    name: 'list',
    summary: 'list the packages, actions, triggers and rules of a namespace',
    load: async (cli) => (await import('./commands/namespace.ts')).listCommand(cli),
  },
  {
    name: 'user',
    summary: 'administer users and their keys',
    load: async (cli) => (await import('./commands/user.ts')).userCommand(cli),
  },
  {
    name: 'limits',
    summary: "administer namespaces' limits",
    load: async (cli) => (await import('./commands/limits.ts')).limitsCommand(cli),
  },
  {
    name: 'db',
    summary: 'dump what the platform keeps',
    load: async (cli) => (await import('./commands/db.ts')).dbCommand(cli),
  },
  {
    name: 'doctor',
    summary: 'report what this host can isolate and run, and what to install for more',
    load: async (cli) => (await import('./commands/doctor.ts')).doctorCommand(cli),
  },
  {
    name: 'config',
    summary: 'print the effective configuration and where each value comes from',
    load: async (cli) => (await import('./commands/config.ts')).configCommand(cli),
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    load: async (cli) => (await import('./commands/completion.ts')).completionCommand(cli),
  },
]
