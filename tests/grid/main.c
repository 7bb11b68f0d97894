/*
 * main.c - build/test_grid: every state against every event of RFC 9293 3.10.7.
 */
#include "grid.h"

int main(void)
{
	return grid_test_model() != 0;
}
