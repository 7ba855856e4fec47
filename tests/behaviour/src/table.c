/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table - the numbers of all calls that name something, and what they name
 *
 * One line a call: "ARCH NUMBER NAME ROLE...", the roles of what has a class.
 */
#include <linux/audit.h>
#include <stdio.h>

#include "shapes.h"

static void print_table(const char *arch_name, uint32_t arch)
{
	const struct pm_sysent *ent;

	for (int nr = 0; (ent = pm_sysent_next(arch, &nr)); nr++) {
		printf("%s %d %s", arch_name, nr, ent->name);
		PM_SHAPE_EACH(ent, shape)
			if (shape->classes)
				printf(" %s", shape->role);
		putchar('\n');
	}
}

int main(void)
{
	print_table("64", AUDIT_ARCH_X86_64);
	print_table("32", AUDIT_ARCH_I386);
	return 0;
}
