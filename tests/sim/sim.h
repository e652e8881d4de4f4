/*
 * tillback-sim: stand-ins for what stands around an appliance, for tests, demos and measurements.
 * Everything here is a fake of the outside; nothing of the product depends on it.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

struct sim_command {
    const char *name;
    const char *arguments;
    const char *help;
    int (*run)(int argc, char **argv);
};

/* A serial scanner: a pty behind a link; each line of standard input is a scan. */
int sim_scanner(int argc, char **argv);
/* A receipt printer on a TCP port, or a pty behind a link; its paper is a file. */
int sim_printer(int argc, char **argv);
/* Tills that sell and return at a rate, and write down what they were answered. */
int sim_pos(int argc, char **argv);

/* Many appliances in one process: identities made by a hub's authority, real TLS and MQTT. */
int sim_fleet(int argc, char **argv);

/* A raw pty behind a symbolic link, as a device's line: its other end; -1, with errno. */
int sim_port(const char *link);

/* The argument after `--name`, or the fallback. */
const char *sim_option(int argc, char **argv, const char *name, const char *fallback);
long sim_number(int argc, char **argv, const char *name, long fallback);

#endif
