/* peal-sim: the other side of the wire. One sub-command a file, each with its own --help. */
#ifndef PEAL_SIM_SIM_H
#define PEAL_SIM_SIM_H

/* Exit codes of every sub-command. */
enum sim_exit {
    SIM_PASS = 0,
    SIM_FAILED = 1, /* a check or an assertion was not met */
    SIM_CONFIG = 2, /* wrong arguments, files or addresses: nothing was run */
    SIM_INVALID = 3 /* the simulator could not keep its own plan: its figures mean nothing */
};

/* argv[0] is the sub-command. */
int sim_serve(int argc, char **argv);
int sim_call(int argc, char **argv);
int sim_run(int argc, char **argv);
int sim_coordinate(int argc, char **argv);
int sim_check(int argc, char **argv);
int sim_import(int argc, char **argv);
int sim_replay(int argc, char **argv);

#endif
