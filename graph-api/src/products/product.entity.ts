import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The columns of `products` for TypeORM's writes; constraints, indexes and defaults are the migrations' alone. */
@Entity('products')
export class ProductEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'external_id', nullable: true })
  externalId!: string | null;

  @Column('text')
  name!: string;

  @Column('text', { nullable: true })
  description!: string | null;

  /** As text: a JavaScript number would not be exact. */
  @Column('numeric', { name: 'price_amount', precision: 14, scale: 4 })
  priceAmount!: string;

  @Column('text', { name: 'price_currency' })
  priceCurrency!: string;

  @Column('integer', { default: 1 })
  version!: number;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
