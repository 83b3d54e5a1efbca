/** `stave completion bash|zsh|fish`. */

import { Argument, Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler } from '../cli.ts'

/** Builds the command. */
export function completionCommand(cli: Cli): Command {
  return new Command('completion')
    .description('print the completion script of a shell, for example: source <(stave completion bash)')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action(
      handler(cli, async (shell: string) => {
        const [{ buildProgram }, { completionScript }] = await Promise.all([
          import('../main.ts'),
          import('../completion-scripts.ts'),
        ])
        cli.shell.out(completionScript(await buildProgram(cli, '*'), shell))
      }),
    )
}
