import { Field, ID, InterfaceType } from 'type-graphql';

@InterfaceType({
  description: 'Whatever has an id of its own.',
  resolveType: (value: object) => value.constructor.name,
})
export abstract class Node {
  @Field(() => ID, { description: 'A UUID, unique across all types.' })
  id!: string;
}
