/*
 * grid.h - the parts of build/test_grid: each runs one group of tests and returns how many failed.
 */
#ifndef GRID_GRID_H
#define GRID_GRID_H

int grid_test_model(void);

#endif
