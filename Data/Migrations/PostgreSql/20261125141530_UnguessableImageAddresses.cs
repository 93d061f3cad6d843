using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Profiles.Data.Migrations.PostgreSql
{
    /// <inheritdoc />
    public partial class UnguessableImageAddresses : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // The files keep their names; an address of Cloudinary's could not be guessed before.
            migrationBuilder.Sql("""
                UPDATE user_profiles SET image_url = '/static/profile/' || user_id || '.jpg?v=' || replace(gen_random_uuid()::text, '-', ''), version = version + 1, updated_at = now()
                WHERE image_url LIKE '/%';
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // The release before knows an image by the digits that are its key.
            migrationBuilder.Sql("""
                UPDATE user_profiles SET image_url = '/static/profile/' || user_id || '.jpg?v=' || image_key, version = version + 1, updated_at = now()
                WHERE image_url LIKE '/%';
                """);
        }
    }
}
