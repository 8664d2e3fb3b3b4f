/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - finds the subcommand. Options may stand before or after its name. */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/version.h"

static const struct sl_cli_command *const commands[] = {
#define SL_CLI(name) &sl_cli_##name,
#include "daemon/cli/commands.def"
#undef SL_CLI
};

/* By enum sl_cli_option. */
static const struct spec {
	const char *name, *arg, *help;
	size_t at; /* of its value in struct sl_cli */
} specs[] = {
#define SL_CLI_OPT(name, arg, help) { #name, arg, help, offsetof(struct sl_cli, name) },
#include "daemon/cli/option.def"
#undef SL_CLI_OPT
};

enum { OPTION_TEXT = 32, HELP = SL_CLI_OPTIONS, VERSION };

/* As it is typed. */
static const char *option_name(size_t i)
{
	static char name[SL_CLI_OPTIONS][OPTION_TEXT];
	for (size_t k = 0; k < OPTION_TEXT - 1 && specs[i].name[k] != '\0'; k++)
		name[i][k] = (char)(specs[i].name[k] != '_'        ? specs[i].name[k]
		                    : specs[i].name[k + 1] == '\0' ? '\0'
		                                                   : '-');
	return name[i];
}

static void help_option(size_t i)
{
	char text[OPTION_TEXT * 2];
	(void)snprintf(text, sizeof(text), "--%s%s%s", option_name(i), specs[i].arg == NULL ? "" : " ",
	               specs[i].arg == NULL ? "" : specs[i].arg);
	(void)printf("  %-16s %s\n", text, specs[i].help);
}

static void help_command(const struct sl_cli_command *c)
{
	(void)printf("usage: sluice %s %s\n%s\n\n%s\n\n", c->name, c->usage, c->summary, c->help);
	for (size_t i = 0; i < SL_CLI_OPTIONS; i++)
		if ((c->options >> i & 1) != 0)
			help_option(i);
}

static void help_all(void)
{
	(void)puts("usage: sluice COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:");
	for (size_t i = 0; i < SL_COUNT(commands); i++)
		(void)printf("  %-9s  %s\n", commands[i]->name, commands[i]->summary);
	(void)puts("\noptions:");
	help_option(SL_CLI_config);
	help_option(SL_CLI_control);
	help_option(SL_CLI_json);
	(void)puts("  --help           of sluice, or of the command named\n  --version");
}

static const struct sl_cli_command *find(const char *name)
{
	for (size_t i = 0; i < SL_COUNT(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	sl_cli_error("%s: no such command; see: sluice --help", name);
	return NULL;
}

/* An option that the command would not look at is refused, not ignored. */
static int run(const struct sl_cli_command *c, const struct sl_cli *cli, uint64_t used)
{
	for (size_t i = 0; i < SL_CLI_OPTIONS; i++) {
		if ((used >> i & 1) != 0 && (c->options >> i & 1) == 0) {
			sl_cli_error("%s: --%s means nothing here; see: sluice %s --help", c->name,
			             option_name(i), c->name);
			return SL_EXIT_ERROR;
		}
	}
	return c->run(cli);
}

static int dispatch(struct sl_cli *cli, uint64_t used, bool help)
{
	if (cli->args == 0 && help) {
		help_all();
		return SL_EXIT_OK;
	}
	if (cli->args == 0) {
		sl_cli_error("no command given; see: sluice --help");
		return SL_EXIT_ERROR;
	}
	const struct sl_cli_command *c = find(cli->arg[0]);
	if (c == NULL)
		return SL_EXIT_ERROR;
	if (help) {
		help_command(c);
		return SL_EXIT_OK;
	}
	cli->arg++;
	cli->args--;
	return run(c, cli, used);
}

/* A command whose arguments are not ours, and which is not asked for its own help. */
static const struct sl_cli_command *find_raw(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && argv[2][0] != '-' && i < SL_COUNT(commands); i++)
		if (commands[i]->raw && strcmp(commands[i]->name, argv[1]) == 0)
			return commands[i];
	return NULL;
}

static void make_options(struct option out[SL_CLI_OPTIONS + 3])
{
	for (int i = 0; i < SL_CLI_OPTIONS; i++)
		out[i] = (struct option){ option_name((size_t)i),
			                  specs[i].arg == NULL ? no_argument : required_argument, NULL, i };
	out[SL_CLI_OPTIONS] = (struct option){ "help", no_argument, NULL, HELP };
	out[SL_CLI_OPTIONS + 1] = (struct option){ "version", no_argument, NULL, VERSION };
	out[SL_CLI_OPTIONS + 2] = (struct option){ 0 };
}

int main(int argc, char **argv)
{
	struct option options[SL_CLI_OPTIONS + 3];
	struct sl_cli cli = { 0 };
	uint64_t used = 0;
	bool help = false;
	int found;

	const struct sl_cli_command *raw = find_raw(argc, argv);
	if (raw != NULL) {
		cli.arg = argv + 2;
		cli.args = argc - 2;
		return raw->run(&cli);
	}
	make_options(options);
	while ((found = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (found == '?')
			return SL_EXIT_ERROR;
		if (found == VERSION) {
			(void)puts("sluice " SL_VERSION);
			return SL_EXIT_OK;
		}
		if (found == HELP || found == 'h') {
			help = true;
			continue;
		}
		if (found == 'o')
			found = SL_CLI_output;
		const char *value = optarg == NULL ? "" : optarg;
		memcpy((char *)&cli + specs[found].at, &value, sizeof(value));
		used |= UINT64_C(1) << found;
	}
	cli.arg = argv + optind;
	cli.args = argc - optind;
	int status = dispatch(&cli, used, help);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		sl_cli_error("the output cannot be written");
		return SL_EXIT_ERROR;
	}
	return status;
}
