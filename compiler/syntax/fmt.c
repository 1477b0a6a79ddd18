#include "ast.h"
void fmt_file(Ctx *c, Out *o, const Ast *file) { (void)c; (void)o; (void)file; }
