/* `peal leads stop …`: argv[0] is "stop". */
#ifndef PEAL_CLI_LEADS_STOP_H
#define PEAL_CLI_LEADS_STOP_H

int cli_leads_stop(int argc, char **argv);

#endif
