import { Field, ID, ObjectType } from 'type-graphql';

@ObjectType({ description: 'A person as the public sees them.', simpleResolvers: true })
export class Author {
  @Field(() => ID, { description: "Ours, never the token's subject." })
  id!: string;

  @Field(() => String, { description: 'The name in the token of their last review; "Anonymous" without one.' })
  displayName!: string;
}
