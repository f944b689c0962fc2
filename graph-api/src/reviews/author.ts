import { Field, ID, ObjectType } from 'type-graphql';
import { Node } from '../graphql/node.js';

@ObjectType({ implements: Node, description: 'A person as the public sees them.', simpleResolvers: true })
export class Author implements Node {
  @Field(() => ID, { description: "Ours, never the token's subject." })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The name in the token of their last review; null for an author without one.',
  })
  displayName!: string | null;

  static of(id: string, displayName: string | null): Author {
    return Object.assign(new Author(), { id, displayName });
  }
}
