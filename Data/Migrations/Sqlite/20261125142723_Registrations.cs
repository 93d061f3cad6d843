using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Profiles.Data.Migrations.Sqlite
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
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "network",
                table: "outbox",
                type: "TEXT",
                maxLength: 50,
                nullable: true);

            migrationBuilder.CreateTable(
                name: "waiting_registrations",
                columns: table => new
                {
                    normalized_email = table.Column<string>(type: "TEXT", maxLength: 254, nullable: false),
                    email = table.Column<string>(type: "TEXT", maxLength: 254, nullable: false),
                    name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    password_hash = table.Column<string>(type: "TEXT", maxLength: 60, nullable: false),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    token_hash = table.Column<byte[]>(type: "BLOB", maxLength: 32, nullable: true),
                    token_purpose = table.Column<int>(type: "INTEGER", nullable: true),
                    token_expires_at = table.Column<DateTime>(type: "TEXT", nullable: true)
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
