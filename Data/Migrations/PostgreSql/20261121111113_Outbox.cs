using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Profiles.Data.Migrations.PostgreSql
{
    /// <inheritdoc />
    public partial class Outbox : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "image_bytes",
                table: "user_profiles",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image_dominant_color",
                table: "user_profiles",
                type: "character varying(7)",
                maxLength: 7,
                nullable: true,
                collation: "C");

            migrationBuilder.AddColumn<int>(
                name: "image_height",
                table: "user_profiles",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image_thumbhash",
                table: "user_profiles",
                type: "character varying(100)",
                maxLength: 100,
                nullable: true,
                collation: "C");

            migrationBuilder.AddColumn<DateTime>(
                name: "image_updated_at",
                table: "user_profiles",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "image_width",
                table: "user_profiles",
                type: "integer",
                nullable: true);

            // Pictures from before: they are shown, and what is not known of them is not said.
            migrationBuilder.Sql("""
                UPDATE user_profiles SET image_width = 0, image_height = 0, image_bytes = 0, image_thumbhash = '', image_dominant_color = '', image_updated_at = updated_at
                WHERE image_key IS NOT NULL;
                """);

            migrationBuilder.CreateTable(
                name: "outbox",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    store = table.Column<int>(type: "integer", nullable: false),
                    state = table.Column<int>(type: "integer", nullable: false),
                    user_id = table.Column<long>(type: "bigint", nullable: false),
                    key = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    due_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_outbox", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_outbox_due_at",
                table: "outbox",
                column: "due_at");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "outbox");

            migrationBuilder.DropColumn(
                name: "image_bytes",
                table: "user_profiles");

            migrationBuilder.DropColumn(
                name: "image_dominant_color",
                table: "user_profiles");

            migrationBuilder.DropColumn(
                name: "image_height",
                table: "user_profiles");

            migrationBuilder.DropColumn(
                name: "image_thumbhash",
                table: "user_profiles");

            migrationBuilder.DropColumn(
                name: "image_updated_at",
                table: "user_profiles");

            migrationBuilder.DropColumn(
                name: "image_width",
                table: "user_profiles");
        }
    }
}
