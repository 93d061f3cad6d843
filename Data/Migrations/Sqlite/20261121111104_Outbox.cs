using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Profiles.Data.Migrations.Sqlite
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
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image_dominant_color",
                table: "user_profiles",
                type: "TEXT",
                maxLength: 7,
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "image_height",
                table: "user_profiles",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image_thumbhash",
                table: "user_profiles",
                type: "TEXT",
                maxLength: 100,
                nullable: true);

            migrationBuilder.AddColumn<DateTime>(
                name: "image_updated_at",
                table: "user_profiles",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "image_width",
                table: "user_profiles",
                type: "INTEGER",
                nullable: true);

            // Pictures from before: they are shown, and what is not known of them is not said.
            migrationBuilder.Sql("""
                UPDATE user_profiles SET image_width = 0, image_height = 0, image_bytes = 0, image_thumbhash = '', image_dominant_color = '', image_updated_at = updated_at
                WHERE image_key IS NOT NULL
                """);

            migrationBuilder.CreateTable(
                name: "outbox",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    store = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    user_id = table.Column<long>(type: "INTEGER", nullable: false),
                    key = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    due_at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    attempts = table.Column<int>(type: "INTEGER", nullable: false)
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
