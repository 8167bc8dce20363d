import type { Statement, VariableDeclarator } from "@swc/core";
import { Visitor } from "@swc/core/Visitor.js";

/**
 * swc's parser knows `using`, its visitor does not and throws; the graph reader walks with that visitor. Importing this
 * file teaches it. Drop it when @swc/core's Visitor names UsingDeclaration.
 */
const known = Visitor.prototype.visitStatement;

Visitor.prototype.visitStatement = function (this: Visitor, statement: Statement): Statement {
  const using = statement as unknown as { type: string; decls: VariableDeclarator[] };
  if (using.type !== "UsingDeclaration") return known.call(this, statement);
  for (const declarator of using.decls) if (declarator.init) this.visitExpression(declarator.init);
  return statement;
};
