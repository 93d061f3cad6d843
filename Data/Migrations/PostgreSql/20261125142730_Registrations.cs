using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Profiles.Data.Migrations.PostgreSql
{
    /// <inheritdoc />
    public partial class Registrations : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "pending_session_id",
                table: "users",
                type: "bigint",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "network",
                table: "outbox",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true,
                collation: "C");

            migrationBuilder.CreateTable(
                name: "waiting_registrations",
                columns: table => new
                {
                    normalized_email = table.Column<string>(type: "character varying(254)", maxLength: 254, nullable: false, collation: "C"),
                    email = table.Column<string>(type: "character varying(254)", maxLength: 254, nullable: false, collation: "C"),
                    name = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    password_hash = table.Column<string>(type: "character varying(60)", maxLength: 60, nullable: false, collation: "C"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    token_hash = table.Column<byte[]>(type: "bytea", maxLength: 32, nullable: true),
                    token_purpose = table.Column<int>(type: "integer", nullable: true),
                    token_expires_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_waiting_registrations", x => x.normalized_email);
                });

            migrationBuilder.CreateIndex(
                name: "ix_waiting_registrations_created_at",
                table: "waiting_registrations",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "ux_waiting_registrations_token_hash",
                table: "waiting_registrations",
                column: "token_hash",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "waiting_registrations");

            migrationBuilder.DropColumn(
                name: "pending_session_id",
                table: "users");

            migrationBuilder.DropColumn(
                name: "network",
                table: "outbox");
        }
    }
}
